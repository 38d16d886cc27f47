internal import Engine
internal import Foundation
internal import Launching
internal import Settings
internal import Topology
package import Transport

extension RunSetup {
  /// The hosts of the run and how ranks get there; nil when all stay on this one.
  func fleet() throws(SetupError) -> Fleet? {
    let launch = settings.launch
    do {
      switch launch.launcher {
      case .local: return nil
      case .ssh:
        let hosts = try HostFile.parse(Self.text(of: launch.hostfile), file: launch.hostfile)
        return try fleet(on: hosts, SSHLauncher(command: launch.sshCommand))
      case .slurm:
        return try fleet(on: SlurmAllocation.hosts(ProcessInfo.processInfo.environment), SlurmLauncher())
      case .external:
        let address = try coordinatorAddress { "" }
        return Fleet(
          placement: .local(worldSize: shape.worldSize), launcher: nil, coordinatorAddress: address.host,
          coordinatorPort: address.port)
      }
    } catch let error as SetupError {
      throw error
    } catch let error as EngineError {
      throw SetupError("\(error)", isUsage: false)
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
  }

  private func fleet(on hosts: [LaunchHost], _ launcher: any Launcher) throws -> Fleet {
    let placement = try RankPlacement(worldSize: shape.worldSize, groupSize: shape.tp, hosts: hosts)
    // The last one: in a job the first is this host itself.
    let address = try coordinatorAddress {
      try Fleet.address(toward: hosts.last.map { $0.address ?? $0.name } ?? "")
    }
    return Fleet(
      placement: placement, launcher: launcher, coordinatorAddress: address.host,
      coordinatorPort: address.port)
  }

  /// What the user gave, else what is found out.
  private func coordinatorAddress(_ find: () throws -> String) throws -> (host: String, port: UInt16) {
    let given = settings.launch.coordinatorAddress
    if given.isEmpty { return (try find(), 0) }
    let parts = given.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, !parts[0].isEmpty, let port = parts.count == 2 ? UInt16(parts[1]) : 0,
      port < 65535
    else {
      throw SetupError(
        "--coordinator-address cannot be '\(given)'; give HOST or HOST:PORT with a port of 1 to 65534.",
        isUsage: true)
    }
    return (String(parts[0]), port)
  }

  /// The secret of workers that are started apart: read from its file, or made and written there.
  func joinSecret() throws(SetupError) -> JoinSecret? {
    guard settings.launch.launcher == .external, !settings.launch.insecure else { return nil }
    let path = settings.launch.joinSecretFile
    do {
      if FileManager.default.fileExists(atPath: path) { return try SecretFile.read(path) }
      let secret = try JoinSecret.generate()
      try SecretFile.write(secret, to: path)
      return secret
    } catch {
      throw SetupError("--join-secret-file: \(error).", isUsage: false)
    }
  }

  private static func text(of file: String) throws(SetupError) -> String {
    guard let data = FileManager.default.contents(atPath: file), data.count <= HostFile.maxBytes else {
      throw SetupError("--hostfile \(file) cannot be read; give an existing file.", isUsage: false)
    }
    return String(decoding: data, as: UTF8.self)
  }
}

/// A join secret on disk, for nobody but its user.
package enum SecretFile {
  /// - Throws: one sentence; also when others can read the file.
  package static func read(_ path: String) throws -> JoinSecret {
    guard case .join(let secret) = try pass(path) else {
      throw LaunchError("\(path) holds no join secret; make one with 'meshdecode join-secret > \(path)'")
    }
    return secret
  }

  /// What lets a worker in.
  package static func pass(_ path: String) throws -> WorkerPass {
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    guard let data = FileManager.default.contents(atPath: path), data.count <= WorkerPass.maxBytes else {
      throw LaunchError("\(path) cannot be read as a secret; check the path")
    }
    let mode = (attributes?[.posixPermissions] as? NSNumber)?.uint16Value ?? 0
    // A group may read it where an orchestrator hands it to a group; the world may not.
    guard mode & 0o007 == 0 else {
      throw LaunchError("\(path) can be read by everyone on this host; run 'chmod 600 \(path)'")
    }
    return try WorkerPass(String(decoding: data, as: UTF8.self))
  }

  package static func write(_ secret: JoinSecret, to path: String) throws {
    guard
      FileManager.default.createFile(
        atPath: path, contents: Data(secret.text.utf8), attributes: [.posixPermissions: 0o600])
    else { throw LaunchError("\(path) cannot be written; give a file in a directory of yours") }
  }
}
