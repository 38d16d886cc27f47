internal import Engine
internal import Foundation
package import Launching
internal import Settings
internal import Topology
package import Transport

extension RunSetup {
  /// The hosts of the run and how ranks get there; nil when all stay on this one.
  func fleet() throws(SetupError) -> Fleet? {
    let launch = settings.launch
    do {
      if launch.launcher == .external {
        let address = try LaunchRoute.coordinatorAddress(launch) { "" }
        return Fleet(
          placement: .local(worldSize: shape.worldSize), launcher: nil, coordinatorAddress: address.host,
          coordinatorPort: address.port)
      }
      guard let route = try LaunchRoute(launch), let placement = try placement() else { return nil }
      let address = try route.coordinatorAddress(launch)
      return Fleet(
        placement: placement, launcher: route.launcher, coordinatorAddress: address.host,
        coordinatorPort: address.port)
    } catch let error as SetupError {
      throw error
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
  }

  /// Which host each rank would run on; nil when all stay on this one.
  package func placement() throws(SetupError) -> RankPlacement? {
    guard let route = try LaunchRoute(settings.launch) else { return nil }
    do {
      return try RankPlacement(worldSize: shape.worldSize, groupSize: shape.tp, hosts: route.hosts)
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
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
