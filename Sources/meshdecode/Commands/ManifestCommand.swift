internal import ArgumentParser
internal import Launching
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology

struct ManifestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "manifest",
    abstract: "Prints the files with which Kubernetes, systemd, Slurm or ssh start the workers of a mesh.",
    discussion: """
      The folders of deploy/ hold what this prints by default.

      Examples:
        meshdecode manifest kubernetes --image registry.example/meshdecode:1 --model /models/NAME --tp 4 --ep 2
        meshdecode manifest systemd --tp 2
        meshdecode manifest slurm --tp 4 --ep 2 --model /models/NAME > decode.sbatch
        meshdecode manifest ssh --tp 2 --ep 2 > hosts
      """)

  enum Kind: String, ExpressibleByArgument, CaseIterable { case kubernetes, systemd, slurm, ssh }

  @Argument(help: ArgumentHelp("For whom. (kubernetes, systemd, slurm, ssh)", valueName: "kind"))
  var kind: Kind

  @Option(name: .customLong("image"), help: ArgumentHelp("The container image.", valueName: "name"))
  var image = Deployment().image

  @Option(
    name: .customLong("port"),
    help: ArgumentHelp("The coordinator's first port of two. (1 to 65000)", valueName: "port"))
  var port = Deployment().port

  @Option(
    name: .customLong("cpus"), help: ArgumentHelp("CPUs of each worker. (1 to 1024)", valueName: "number"))
  var cpus = Deployment().cpus

  @Option(
    name: .customLong("memory"),
    help: ArgumentHelp("Memory of each worker, as Kubernetes writes it.", valueName: "size"))
  var memory = Deployment().memory

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions

  func run() throws {
    guard (1...65000).contains(port) else { throw SettingsError("--port is \(port); give 1 to 65000.") }
    guard (1...1024).contains(cpus) else { throw SettingsError("--cpus is \(cpus); give 1 to 1024.") }
    let isWord = { (text: String) in
      !text.isEmpty
        && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"'{}[],#&*!|>%@`$".utf8.contains($0) }
    }
    guard isWord(image), isWord(memory) else {
      throw SettingsError("--image and --memory must be plain words, such as \(Deployment().image) and 2Gi.")
    }
    let settings = try resolve(config, [model, mesh])
    var deployment = Deployment()
    (deployment.image, deployment.port, deployment.cpus, deployment.memory) = (image, port, cpus, memory)
    if !settings.model.directory.isEmpty {
      guard settings.model.directory.hasPrefix("/"), isWord(settings.model.directory) else {
        throw SettingsError("--model \(settings.model.directory) must be an absolute path of plain letters.")
      }
      deployment.model = settings.model.directory
    }
    let degrees = [
      ("data_parallel_size", settings.mesh.dataParallelSize), ("attn_dp_size", settings.mesh.attnDPSize),
      ("attn_dp_expert_size", settings.mesh.attnDPExpertSize),
      ("expert_parallel_size", settings.mesh.expertParallelSize),
      ("tensor_parallel_size", settings.mesh.tensorParallelSize),
    ]
    guard let worldSize = settings.worldSize, worldSize <= 4096 else {
      throw SettingsError("The mesh has more than 4096 ranks; lower a degree.")
    }
    if worldSize > 1 {
      deployment.worldSize = worldSize
      deployment.ranksPerHost = settings.mesh.tensorParallelSize
      deployment.mesh = degrees.filter { $0.1 > 1 }.map { "\($0.0): \($0.1)" }
    }
    switch kind {
    case .kubernetes: for file in deployment.kubernetes { try Terminal.write("---\n" + file.text) }
    case .systemd:
      for file in deployment.systemd { try Terminal.write("### \(file.name)\n" + file.text) }
    // One file each, to be written to a file as it is.
    case .slurm: for file in deployment.slurm { try Terminal.write(file.text) }
    case .ssh: for file in deployment.ssh { try Terminal.write(file.text) }
    }
  }
}
