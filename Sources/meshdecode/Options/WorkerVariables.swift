internal import Settings

/// A worker's place as job launchers tell it, where the flags do not: the variables of torchrun, of Slurm and Open MPI
/// steps, and of Kubernetes' indexed jobs.
struct WorkerVariables {
  private let environment: [String: String]

  init(_ environment: [String: String]) { self.environment = environment }

  private static let rankNames = ["RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "JOB_COMPLETION_INDEX"]
  private static let sizeNames = ["WORLD_SIZE", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE"]

  func rank() throws -> Int { try number("--rank", Self.rankNames) }

  func worldSize() throws -> Int { try number("--world-size", Self.sizeNames) }

  /// `MASTER_ADDR` and `MASTER_PORT`, as torchrun sets them.
  func coordinator() throws -> String {
    guard let host = environment["MASTER_ADDR"], let port = environment["MASTER_PORT"] else {
      throw SettingsError("A worker needs --coordinator tcp://HOST:PORT, or MASTER_ADDR and MASTER_PORT set.")
    }
    return "tcp://\(host):\(port)"
  }

  var joinSecretFile: String? { environment["MESHDECODE_JOIN_SECRET_FILE"] }

  private func number(_ flag: String, _ names: [String]) throws -> Int {
    for name in names {
      guard let text = environment[name] else { continue }
      guard let number = Int(text) else {
        throw SettingsError("\(name) is '\(text)', which is no number; set it right or give \(flag).")
      }
      return number
    }
    throw SettingsError("A worker needs \(flag), or one of \(names.joined(separator: ", ")) set.")
  }
}
