/// Rules that span several settings; single values are checked as they are read.
extension EngineSettings {
  /// Fills in what follows from what was given: a list of hosts means ssh.
  package mutating func takeImplications() {
    if launch.launcher == .local && !launch.hostfile.isEmpty { launch.launcher = .ssh }
  }

  /// Every broken rule, one sentence each; empty when the settings can be used together.
  package func violations() -> [String] {
    var found: [String] = []
    if scheduler.maxNumBatchedTokens < scheduler.maxNumSeqs {
      found.append(
        "--max-num-batched-tokens \(scheduler.maxNumBatchedTokens) is less than --max-num-seqs "
          + "\(scheduler.maxNumSeqs), so a full batch could not decode; raise the one or lower the other.")
    }
    if scheduler.blockSize % 16 != 0 {
      found.append(
        "--block-size \(scheduler.blockSize) is no multiple of 16; give \(scheduler.blockSize / 16 * 16) or "
          + "\(scheduler.blockSize / 16 * 16 + 16).")
    }
    if sampling.minTokens > sampling.maxTokens {
      found.append(
        "--min-tokens \(sampling.minTokens) is more than --max-tokens \(sampling.maxTokens); "
          + "lower the one or raise the other.")
    }
    if sampling.n > 1 && sampling.temperature == 0 {
      found.append(
        "--n \(sampling.n) with --temperature 0 would print the same answer \(sampling.n) times; "
          + "set a temperature above 0.")
    }
    if launch.launcher == .ssh && launch.hostfile.isEmpty {
      found.append(
        "--launcher ssh needs --hostfile FILE with the hosts, one a line, such as 'node1 slots=2'.")
    }
    if launch.launcher != .ssh && !launch.hostfile.isEmpty {
      found.append(
        "--hostfile is for --launcher ssh, not \(launch.launcher.rawValue); leave the one or the other out.")
    }
    if launch.launcher == .external {
      if !launch.coordinatorAddress.contains(":") {
        found.append(
          "--launcher external needs --coordinator-address HOST:PORT, where workers find this one.")
      }
      if launch.joinSecretFile.isEmpty && !launch.insecure {
        found.append("--launcher external needs --join-secret-file FILE, which workers must have as well.")
      }
    }
    if launch.onRankLoss == .spare && launch.spares == 0 {
      found.append("--on-rank-loss spare needs --spares N, the workers that wait, at least 1.")
    }
    if launch.onRankLoss != .spare && launch.spares > 0 {
      found.append("--spares is for --on-rank-loss spare; add that, or leave it out.")
    }
    if launch.launcher != .local && (launch.onRankLoss == .spare || launch.onRankLoss == .shrink) {
      found.append(
        "--on-rank-loss \(launch.onRankLoss.rawValue) is for workers of this host so far; take respawn or fail with"
          + " --launcher \(launch.launcher.rawValue).")
    }
    if launch.launcher != .local && launch.transport != .auto && launch.transport != .tcp {
      found.append(
        "--transport \(launch.transport.rawValue) stays on one host; leave it out with --launcher "
          + "\(launch.launcher.rawValue).")
    }
    return found
  }

  /// Degrees multiplied, or nil when the product is beyond any machine (over 65536).
  package var worldSize: Int? {
    let degrees = [
      mesh.dataParallelSize, mesh.attnDPSize, mesh.attnDPExpertSize, mesh.expertParallelSize,
      mesh.tensorParallelSize,
    ]
    var product = 1
    for degree in degrees {
      let (next, overflow) = product.multipliedReportingOverflow(by: degree)
      guard !overflow && next <= 65536 else { return nil }
      product = next
    }
    return product
  }
}
