import ModelConfigs
import Tensors
import Topology

/// Every kind of weight of a model on a mesh.
struct WeightInventory {
  private let config: ModelConfig
  private let plan: ShardPlan
  private let format: WeightFormat
  private let quantization: Quantization

  init(config: ModelConfig, plan: ShardPlan, options: MeshPlanOptions) {
    self.config = config
    self.plan = plan
    format = options.weightFormat
    quantization = options.quantization
  }

  /// In the order of the computation. Cost: ranks times kinds of tensors.
  func tensors() -> [TensorPlan] {
    let all = Array(0..<config.numLayers)
    var tensors = [tensor(.embedding, layers: [])] + attention(all)
    let dense = all.filter { !config.isSparse(layer: $0) }
    if !dense.isEmpty { tensors += gatedMLP(dense, width: config.intermediateSize, prefix: "mlp") }
    let sparse = all.filter { config.isSparse(layer: $0) }
    if let moe = config.moe, !sparse.isEmpty {
      tensors.append(tensor(.router, layers: sparse))
      tensors += [.expertGateUp, .expertDown].map { tensor($0, layers: sparse, width: moe.intermediateSize) }
      if let width = moe.sharedExpertIntermediateSize {
        tensors += gatedMLP(sparse, width: width, prefix: "shared_expert")
      }
    }
    tensors.append(tensor(.norm, layers: all, name: "layer_norms", rows: config.sandwichNorms ? 4 : 2))
    tensors.append(tensor(.norm, layers: [], name: "final_norm"))
    // A tied head of another format is packed once more.
    if !config.tieWordEmbeddings || quantization.head(format).isQuantized {
      tensors.append(tensor(.head, layers: []))
    }
    return tensors
  }

  private func attention(_ layers: [Int]) -> [TensorPlan] {
    [.query, .key, .value, .attentionOutput].map { tensor($0, layers: layers) }
  }

  private func gatedMLP(_ layers: [Int], width: Int, prefix: String) -> [TensorPlan] {
    [
      tensor(.gateUp, layers: layers, name: "\(prefix)_gate_up", width: width),
      tensor(.down, layers: layers, name: "\(prefix)_down", width: width),
    ]
  }

  private func tensor(
    _ tensor: TensorName, layers: [Int], name: String? = nil, width: Int = 0, rows: Int = 1
  ) -> TensorPlan {
    let whole = shape(tensor, Share.whole(plan, config, width))
    let local = plan.mesh.ranks.map { shape(tensor, Share(plan, rank: $0, config, width)) }
    return TensorPlan(
      tensor: tensor, name: name ?? tensor.name, layers: layers, shape: whole, localShapes: local,
      localBytes: local.map { bytes(tensor, $0, packed: true) * rows },
      wholeBytes: bytes(tensor, whole, packed: false) * rows)
  }

  /// What one rank, or the whole model, has of everything that is split.
  private struct Share {
    var queryHeads: Int
    var kvHeads: Int
    var width: Int
    var experts: Int
    var vocabulary: Int

    init(_ plan: ShardPlan, rank: Int, _ config: ModelConfig, _ width: Int) {
      queryHeads = plan.queryHeads(of: rank, layer: 0).count
      kvHeads = plan.kvHeads(of: rank, layer: 0).count
      self.width = width == 0 ? 0 : plan.widthRange(of: rank, width: width).count
      experts = plan.experts(of: rank, count: config.moe?.numExperts ?? 0).count
      vocabulary = plan.vocabulary(of: rank).count
    }

    static func whole(_ plan: ShardPlan, _ config: ModelConfig, _ width: Int) -> Share {
      var share = Share(plan, rank: 0, config, width)
      share.queryHeads = config.numQueryHeads
      share.kvHeads = config.numKVHeads
      share.width = width
      share.experts = config.moe?.numExperts ?? 0
      share.vocabulary = config.vocabSize
      return share
    }
  }

  private func shape(_ tensor: TensorName, _ share: Share) -> [Int] {
    let (hidden, headDim) = (config.hiddenSize, config.headDim)
    return switch tensor {
    case .embedding: [share.vocabulary, hidden]
    case .head: [hidden, share.vocabulary]
    case .query: [hidden, share.queryHeads, headDim]
    case .key, .value: [hidden, share.kvHeads, headDim]
    case .attentionOutput: [share.queryHeads, headDim, hidden]
    case .gateUp: [hidden, share.width]
    case .down: [share.width, hidden]
    case .router: [hidden, config.moe?.numExperts ?? 0]
    case .expertGateUp: [share.experts, hidden, share.width]
    case .expertDown: [share.experts, share.width, hidden]
    default: [hidden]
    }
  }

  /// Bytes of the matrices and biases behind a shape.
  private func bytes(_ tensor: TensorName, _ shape: [Int], packed: Bool) -> Int {
    func matrix(_ rows: Int, _ columns: Int, leafWidth: Int? = nil, _ exact: Bool = false) -> Int {
      let matrices = quantization.matrices(format)
      let format = exact ? format : tensor == .head ? quantization.head(format) : matrices
      if packed || format.isQuantized {
        return PackedLayout.byteCount(rows: rows, columns: columns, format: format, leafWidth: leafWidth)
      }
      return rows * columns * elementBytes
    }
    let bias = 4
    switch tensor {
    case .embedding: return shape[0] * shape[1] * elementBytes
    case .head: return matrix(shape[1], shape[0])
    case .query, .key, .value:
      let rows = shape[1] * shape[2]
      let norm = config.queryKeyNorm && tensor != .value ? config.headDim * bias : 0
      return matrix(rows, shape[0]) + (config.queryKeyValueBias ? rows * bias : 0) + norm
    case .attentionOutput:
      return matrix(shape[2], shape[0] * shape[1], leafWidth: max(shape[1], 1))
        + (config.outputBias ? shape[2] * bias : 0)
    case .gateUp:
      return 2 * matrix(shape[1], shape[0]) + (config.mlpBias ? 2 * shape[1] * bias : 0)
    case .down: return matrix(shape[1], shape[0]) + (config.mlpBias ? shape[1] * bias : 0)
    case .router:
      let gate = config.moe?.sharedExpertGate == true ? matrix(1, shape[0], true) : 0
      return matrix(shape[1], shape[0], true) + gate
        + (config.moe?.hasSelectionBias == true ? shape[1] * bias : 0)
    case .expertGateUp: return shape[0] * 2 * matrix(shape[2], shape[1])
    case .expertDown: return shape[0] * matrix(shape[2], shape[1])
    default: return shape[0] * bias
    }
  }

  private var elementBytes: Int { format == .bf16 ? 2 : 4 }
}
