package import ModelConfigs
package import Parsing
package import Topology

extension ShardingRequest {
  /// The request of a command line: parallel sizes, vLLM's additional configuration, and a model to be run
  /// here, where every axis exists.
  package init(
    config: ModelConfig, additionalConfig: JSONValue?, tensorParallelSize: Int = 1, dataParallelSize: Int = 1,
    cacheDType: String = "auto"
  ) throws(PlanningError) {
    self.init()
    for (name, size) in [
      ("tensor_parallel_size", tensorParallelSize), ("data_parallel_size", dataParallelSize),
    ]
    where !ConfigFields.degrees.contains(size) {
      throw PlanningError(
        "\(name) is \(size), but must be from 1 to \(ConfigFields.degrees.upperBound): use 1.")
    }
    self.tensorParallelSize = tensorParallelSize
    self.dataParallelSize = dataParallelSize
    self.cacheDType = cacheDType
    numKVHeads = config.numKVHeads
    headDim = config.headDim
    flags.newModelDesign = true
    strategy = try Strategy(additionalConfig: additionalConfig)
  }

  /// The mesh that the request comes to, or one error with every reason why it cannot be built here.
  package func meshShape() throws(PlanningError) -> MeshShape {
    let sizes = try ShardingSizes(self)
    do {
      return try sizes.meshShape()
    } catch {
      throw PlanningError("\(error)")
    }
  }
}

extension MeshPlanOptions {
  /// Takes the model overrides of vLLM's additional configuration.
  package mutating func takeOverrides(additionalConfig: JSONValue?) throws(PlanningError) {
    maxtextConfig = try ModelTranslationRequest.maxtextConfig(additionalConfig?["maxtext_config"])
  }
}
