internal import Engine
internal import Foundation
package import Launching
package import Settings

/// The hosts that a launcher reaches, and how.
package struct LaunchRoute: Sendable {
  package let hosts: [LaunchHost]
  package let launcher: any Launcher

  /// Nil for launchers that start nothing elsewhere.
  ///
  /// - Throws: `SetupError` for a list of hosts that cannot be read, or outside a Slurm job.
  package init?(_ launch: LaunchSettings) throws(SetupError) {
    do {
      switch launch.launcher {
      case .local, .external: return nil
      case .ssh:
        hosts = try HostFile.parse(Self.text(of: launch.hostfile), file: launch.hostfile)
        launcher = SSHLauncher(command: launch.sshCommand)
      case .slurm:
        hosts = try SlurmAllocation.hosts(ProcessInfo.processInfo.environment)
        launcher = SlurmLauncher()
      }
    } catch let error as SetupError {
      throw error
    } catch {
      throw SetupError("\(error)", isUsage: true)
    }
  }

  /// Where ranks find the coordinator: what the user gave, else this host's address toward them.
  package func coordinatorAddress(_ launch: LaunchSettings) throws(SetupError) -> (host: String, port: UInt16)
  {
    do {
      // The last one: in a job the first is this host itself.
      return try Self.coordinatorAddress(launch) {
        try Fleet.address(toward: hosts.last.map { $0.address ?? $0.name } ?? "")
      }
    } catch let error as SetupError {
      throw error
    } catch {
      throw SetupError("\(error)", isUsage: false)
    }
  }

  /// What the user gave, else what is found out.
  package static func coordinatorAddress(
    _ launch: LaunchSettings, _ find: () throws -> String
  ) throws -> (host: String, port: UInt16) {
    let given = launch.coordinatorAddress
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

  private static func text(of file: String) throws(SetupError) -> String {
    guard let data = FileManager.default.contents(atPath: file), data.count <= HostFile.maxBytes else {
      throw SetupError("--hostfile \(file) cannot be read; give an existing file.", isUsage: false)
    }
    return String(decoding: data, as: UTF8.self)
  }
}
