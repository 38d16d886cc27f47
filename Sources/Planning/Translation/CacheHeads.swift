/// How far tensor parallelism reaches before it would duplicate KV heads in the cache: `numerator /
/// denominator` devices, at least one. Attention data parallelism takes over from there.
struct CacheHeads {
  private let numerator: Int
  private let denominator: Int

  init(_ request: ShardingRequest) throws(PlanningError) {
    let name = request.cacheDType == "auto" ? request.dtype : request.cacheDType
    guard let itemSize = CacheDType.itemSize(of: name) else {
      throw PlanningError(
        "The cache type \"\(name)\" is unknown: use auto, bfloat16, float16, float32, fp8 or another type "
          + "of 1, 2 or 4 bytes.")
    }
    guard itemSize <= 4 else {
      throw PlanningError(
        "The cache type \"\(name)\" has \(itemSize) bytes an element, but attention data parallelism packs "
          + "elements into 4 bytes: use a type of 1, 2 or 4 bytes.")
    }
    let heads = request.usesLatentAttention ? 1 : request.numKVHeads
    guard let heads else {
      throw PlanningError(
        "model.total_num_kv_heads is missing: enable_dp_attention needs the number of KV heads.")
    }
    guard let headDim = request.headDim else {
      throw PlanningError("model.head_size is missing: enable_dp_attention needs it.")
    }
    let onLane = request.flags.batchedKernel && request.flags.sequenceOnLane
    let packing = onLane ? 1 : 4 / itemSize * (headDim == 64 ? 2 : 1)
    (numerator, denominator) = heads * 2 < packing ? (1, 1) : (heads * 2, packing)
  }

  /// Splits tensor parallelism into attention groups and what remains inside one.
  func splitTensorParallelism(_ tp: Int, attnDPSize: Int?) throws(PlanningError) -> (attnDP: Int, tp: Int) {
    if let attnDPSize {
      guard attnDPSize > 0, tp % attnDPSize == 0 else {
        let nearest = attnDPSize > 0 ? (1...max(1, min(attnDPSize, tp))).last { tp % $0 == 0 } ?? 1 : 1
        throw PlanningError(
          "attn_dp_size is \(attnDPSize), but must divide the tensor parallelism \(tp): use \(nearest).")
      }
      return (attnDPSize, tp / attnDPSize)
    }
    let attnDP = max(tp * denominator / numerator, 1)
    guard tp % attnDP == 0 else {
      throw PlanningError(
        "Tensor parallelism \(tp) does not divide into the \(attnDP) attention groups that the KV heads ask "
          + "for and \(tp % attnDP) devices would be left over: use \(tp / attnDP * attnDP), or set "
          + "attn_dp_size.")
    }
    return (attnDP, tp / attnDP)
  }

  /// Splits expert parallelism into attention groups and what remains inside one.
  func splitExpertParallelism(_ ep: Int, tp: Int, attnDP: Int) throws(PlanningError) -> (
    attnDPExpert: Int, ep: Int
  ) {
    if attnDP > 1 || tp * denominator == numerator { return (ep, 1) }
    guard tp > 0 else {
      throw PlanningError("The tensor parallelism is 0, but must be at least 1: use 1.")
    }
    let headsLeft = numerator / (denominator * tp)
    guard headsLeft > 0 else {
      throw PlanningError(
        "Tensor parallelism \(tp) is more than the \(text) devices that the KV heads fill, with attention "
          + "groups of its size: use \(max(1, numerator / denominator)), or attn_dp_size "
          + "\(suggestedGroups(tp)).")
    }
    let attnDPExpert = max(1, ep / headsLeft)
    guard ep % attnDPExpert == 0 else {
      throw PlanningError(
        "Expert parallelism \(ep) does not divide into \(attnDPExpert) attention groups and "
          + "\(ep % attnDPExpert) devices would be left over: use \(ep / attnDPExpert * attnDPExpert).")
    }
    return (attnDPExpert, ep / attnDPExpert)
  }

  /// The smallest divisor of `tp` that brings it to the limit.
  private func suggestedGroups(_ tp: Int) -> Int {
    (1...tp).first { tp % $0 == 0 && tp / $0 * denominator <= numerator } ?? tp
  }

  private var text: String {
    numerator % denominator == 0
      ? "\(numerator / denominator)" : "\(Double(numerator) / Double(denominator))"
  }
}
