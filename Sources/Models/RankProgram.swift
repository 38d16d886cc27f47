package import Compute
package import Layers
package import ModelConfigs

/// Everything one rank needs to load and run its part of a model.
package struct RankProgram: Sendable {
  package var program: StepProgram
  package var geometry: RankGeometry
  package var limits: StepLimits
  package var runLimits: RunLimits
  package var weights: WeightPlan
  package var workspaceBytes: Int
  package var kvBytes: Int
  package var places: StepPlaces
  /// Rotary tables to compute while loading.
  package var ropeTables: [RopeTable]
  package var hiddenSize: Int
  package var vocabularySize: Int
  /// Model layer of each `dispatch` point's number.
  package var sparseLayers: [Int]

  /// One rotary table in the weights arena.
  package struct RopeTable: Sendable {
    package var parameters: RopeParameters
    package var headDim: Int
    package var positions: Int
    package var tables: RotaryTables
  }
}
