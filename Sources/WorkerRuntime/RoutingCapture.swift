internal import Compute
internal import Layers
internal import Tensors

/// Keeps the routing of every MoE layer of a step for `logits --routing` and the engine interface.
struct RoutingCapture {
  /// One MoE layer: `[row][k]` experts (i32) and weights (f32) as little-endian bytes.
  struct Layer {
    var layer: Int
    var experts: [UInt8]
    var weights: [UInt8]
  }

  private(set) var layers: [Layer] = []
  /// Rows per expert of each MoE layer, layer-major, when the run counts them.
  private(set) var load: [UInt32] = []
  private let countsLoad: Bool
  private var wanted = false

  init(countsLoad: Bool) { self.countsLoad = countsLoad }

  mutating func begin(wanted: Bool) {
    self.wanted = wanted
    layers.removeAll(keepingCapacity: true)
    load.removeAll(keepingCapacity: true)
  }

  mutating func record(layer: Int, rows: Int, places: ExpertPlaces, memory: StepMemory) {
    if countsLoad {
      let first = load.count
      load.append(contentsOf: repeatElement(0, count: places.numExperts))
      memory.withInts(places.chosen, count: rows * places.numChosen) { chosen in
        for pair in chosen.indices { load[first + Int(chosen[pair])] += 1 }
      }
    }
    guard wanted else { return }
    let count = rows * places.numChosen * 4
    layers.append(
      Layer(
        layer: layer, experts: memory.bytes(places.chosen, count: count),
        weights: memory.bytes(places.weights, count: count)))
  }
}
