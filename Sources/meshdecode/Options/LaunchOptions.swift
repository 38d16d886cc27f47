internal import ArgumentParser
internal import Settings

/// Worker processes and their links.
struct LaunchOptions: SettingOptions {
  @Option(name: .setting("threads_per_worker"), parsing: .unconditional, help: .setting("threads_per_worker"))
  var threadsPerWorker: String?

  @Option(name: .setting("transport"), parsing: .unconditional, help: .setting("transport"))
  var transport: String?

  @Option(name: .setting("launcher"), parsing: .unconditional, help: .setting("launcher"))
  var launcher: String?

  @Option(name: .setting("hostfile"), parsing: .unconditional, help: .setting("hostfile"))
  var hostfile: String?

  @Option(name: .setting("ssh_command"), parsing: .unconditional, help: .setting("ssh_command"))
  var sshCommand: String?

  @Option(
    name: .setting("coordinator_address"), parsing: .unconditional, help: .setting("coordinator_address"))
  var coordinatorAddress: String?

  @Option(name: .setting("join_secret_file"), parsing: .unconditional, help: .setting("join_secret_file"))
  var joinSecretFile: String?

  @Flag(name: .setting("insecure"), help: .setting("insecure"))
  var insecure = false

  @Flag(name: .setting("compare_digests"), help: .setting("compare_digests"))
  var compareDigests = false

  @Option(name: .setting("instruction_set"), parsing: .unconditional, help: .setting("instruction_set"))
  var instructionSet: String?

  @Option(name: .setting("numerics"), parsing: .unconditional, help: .setting("numerics"))
  var numerics: String?

  @Option(name: .setting("expert_dispatch"), parsing: .unconditional, help: .setting("expert_dispatch"))
  var expertDispatch: String?

  @Option(name: .setting("run_directory"), parsing: .unconditional, help: .setting("run_directory"))
  var runDirectory: String?

  @Option(
    name: .setting("startup_timeout_seconds"), parsing: .unconditional,
    help: .setting("startup_timeout_seconds"))
  var startupTimeoutSeconds: String?

  @Option(
    name: .setting("distributed_timeout_seconds"), parsing: .unconditional,
    help: .setting("distributed_timeout_seconds"))
  var distributedTimeoutSeconds: String?

  @Option(name: .setting("pulse_milliseconds"), parsing: .unconditional, help: .setting("pulse_milliseconds"))
  var pulseMilliseconds: String?

  @Option(name: .setting("link_conditions"), parsing: .unconditional, help: .setting("link_conditions"))
  var linkConditions: String?

  @Option(name: .setting("on_rank_loss"), parsing: .unconditional, help: .setting("on_rank_loss"))
  var onRankLoss: String?

  @Option(name: .setting("spares"), parsing: .unconditional, help: .setting("spares"))
  var spares: String?

  @Option(
    name: .setting("drain_timeout_seconds"), parsing: .unconditional, help: .setting("drain_timeout_seconds"))
  var drainTimeoutSeconds: String?

  @Option(name: .setting("max_rank_restarts"), parsing: .unconditional, help: .setting("max_rank_restarts"))
  var maxRankRestarts: String?

  var given: [(key: String, texts: [String])] {
    [
      flag("threads_per_worker", threadsPerWorker),
      flag("transport", transport),
      flag("launcher", launcher),
      flag("hostfile", hostfile),
      flag("ssh_command", sshCommand),
      flag("coordinator_address", coordinatorAddress),
      flag("join_secret_file", joinSecretFile),
      flag("insecure", insecure ? "true" : nil),
      flag("compare_digests", compareDigests ? "true" : nil),
      flag("instruction_set", instructionSet),
      flag("numerics", numerics),
      flag("expert_dispatch", expertDispatch),
      flag("run_directory", runDirectory),
      flag("startup_timeout_seconds", startupTimeoutSeconds),
      flag("distributed_timeout_seconds", distributedTimeoutSeconds),
      flag("pulse_milliseconds", pulseMilliseconds),
      flag("link_conditions", linkConditions),
      flag("on_rank_loss", onRankLoss),
      flag("spares", spares),
      flag("drain_timeout_seconds", drainTimeoutSeconds),
      flag("max_rank_restarts", maxRankRestarts),
    ]
  }
}
