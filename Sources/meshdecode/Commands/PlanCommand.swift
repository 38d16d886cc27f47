internal import ArgumentParser
internal import Launching
internal import Parsing
internal import Planning
internal import Presentation
internal import RunSetup
internal import Settings
internal import Topology

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Shows mesh, shards, padding, bytes, exchanges and a predicted step; starts nothing.",
    discussion: """
      Examples:
        meshdecode plan --tp 2
        meshdecode plan --model DIR --tp 4 --ep 2 --output json
        meshdecode plan --model DIR --tp 2 --ep 2 --hostfile deploy/ssh/hosts   # and which rank runs where
        meshdecode plan --hf-config config.json --additional-config \
      '{"sharding": {"sharding_strategy": {"enable_dp_attention": true, "expert_parallelism": 4}}}'
        meshdecode plan --model DIR --simulate nodes=64,tp=8,ep=32,attn_dp=8,link=25gbe,rtt=40us
        meshdecode plan --model DIR --simulate nodes=1..256,memory=200gb/s,link=100gbe,rtt=10us,batch=256

      --simulate predicts decode on a cluster that is not here: nodes=N or nodes=FIRST..LAST (doubling),
      the degrees of the mesh (left out: the fastest of each size) or ranks=N of a node, and of each node
      cores, memory (30gb/s), flops (200gflops); link (10gbe), rtt (50us), batch (one sequence for each
      attention group), context (512).
      """)

  @Option(
    name: .customLong("hf-config"), parsing: .unconditional,
    help: ArgumentHelp("Plans for this config.json alone; no weights are needed.", valueName: "file"))
  var configFile: String?

  @Option(
    name: .customLong("num-lanes"), parsing: .unconditional,
    help: ArgumentHelp(
      "Lanes of the padding rule. (1 to 1024; default: the f32 lanes of this processor)", valueName: "lanes"))
  var numLanes: String?

  @Option(
    name: .customLong("simulate"), parsing: .unconditional,
    help: ArgumentHelp("Predicts decode on this cluster instead; see the examples.", valueName: "cluster"))
  var cluster: String?

  @OptionGroup var config: ConfigOptions
  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Mesh") var mesh: MeshOptions
  @OptionGroup(title: "Scheduler") var scheduler: SchedulerOptions
  @OptionGroup(title: "Launch") var launch: LaunchOptions
  @OptionGroup(title: "Output") var output: OutputOptions

  func run() throws {
    let settings = try resolve(config, [model, mesh, scheduler, launch, output])
    let lanes = try numLanes.map { try integer("--num-lanes", $0, 1...1024) }
    let setup =
      if let configFile {
        try RunSetup(settings: settings, configFile: configFile)
      } else {
        try RunSetup(settings: settings, modelDirectory: try modelDirectory(of: settings))
      }
    var (page, json): (String, JSONValue)
    if let cluster {
      let simulation = try setup.simulate(cluster, numLanes: lanes)
      (page, json) = (simulation.page, simulation.json)
    } else {
      let plan = try setup.plan(numLanes: lanes)
      (page, json) = (plan.page, plan.json)
      if let placement = try setup.placement() {
        page += "\n" + PlacementPage.text(placement, tp: setup.shape.tp)
        json = .object(
          JSONObject(
            (json.object?.members ?? []) + [("placement", PlacementPage.json(placement, tp: setup.shape.tp))])
        )
      }
    }
    switch settings.output.format {
    case .text: try Terminal.write(page + "\n")
    case .json: try Terminal.writeDocument(json)
    }
  }
}

/// The directory of `--model`, or of the bundled model when it was left out.
func modelDirectory(of settings: EngineSettings) throws -> String {
  settings.model.directory.isEmpty ? try BundledModel.directory() : settings.model.directory
}
