package import Topology

/// The degrees that a sharding request comes to.
package struct ShardingSizes: Sendable, Hashable {
  package var tp: Int
  package var ep: Int
  package var attnDP: Int
  package var attnDPExpert: Int
  package var dp: Int
  package var sequence: Int
  package var decodeContext: Int
  package var prefillContext: Int
  package var totalDevices: Int
}

extension ShardingSizes {
  /// The mesh of these sizes; this runtime has no sequence or context axes, and no axis of size 0.
  package func meshShape() throws(MeshError) -> MeshShape {
    let foreign = [
      ("sequence_parallelism", sequence), ("decode_context_parallel_size", decodeContext),
      ("prefill_context_parallel_size", prefillContext),
    ]
    let sentences = foreign.filter { $0.1 != 1 }.map {
      "\($0.0) is \($0.1), but this runtime has no such axis: use 1."
    }
    if !sentences.isEmpty { throw MeshError(sentences: sentences) }
    return try MeshShape(dp: dp, attnDP: attnDP, attnDPExpert: attnDPExpert, ep: ep, tp: tp)
  }
}

extension ShardingSizes {
  /// Derives the sizes as the original does; what it does by accident (division by zero, failed assertions,
  /// devices silently left over) is an error.
  package init(_ request: ShardingRequest) throws(PlanningError) {
    let strategy = request.strategy
    let asked =
      (strategy.tensorParallelism ?? 0) == 0 ? request.tensorParallelSize : strategy.tensorParallelism!
    let context = request.decodeContextParallelSize
    guard context > 0 else {
      throw PlanningError("decode_context_parallel_size is 0, but must be at least 1: use 1.")
    }
    guard asked % context == 0 else {
      throw PlanningError(
        "Tensor parallelism \(asked) is not a multiple of decode_context_parallel_size \(context): use "
          + "\(max(1, asked / context) * context) or another multiple of \(context).")
    }
    dp = request.flags.multiprocessDataParallel ? 1 : request.dataParallelSize
    sequence = strategy.sequenceParallelism
    decodeContext = context
    prefillContext = request.prefillContextParallelSize
    (tp, ep, attnDP, attnDPExpert) = (asked / context, strategy.expertParallelism, 1, 1)
    if strategy.enablesDataParallelAttention {
      let heads = try CacheHeads(request)
      (attnDP, tp) = try heads.splitTensorParallelism(tp, attnDPSize: strategy.attnDPSize)
      (attnDPExpert, ep) = try heads.splitExpertParallelism(ep, tp: tp, attnDP: attnDP)
    }
    totalDevices = try Self.product([
      dp, attnDP, attnDPExpert, ep, tp, sequence, decodeContext, prefillContext,
    ])
    try validate(request)
  }

  private func validate(_ request: ShardingRequest) throws(PlanningError) {
    let owners = dp * attnDP * attnDPExpert
    if owners > 1, request.usesLoRA {
      throw PlanningError(
        "LoRA cannot be combined with data parallelism, but there are \(owners) data parallel groups: leave "
          + "LoRA out or use one group.")
    }
    if !request.flags.newModelDesign {
      let axes = [
        ("attention data parallelism", attnDP), ("decode context parallelism", decodeContext),
        ("prefill context parallelism", prefillContext),
      ]
      for (name, size) in axes where size > 1 {
        throw PlanningError(
          "\(name) of \(size) needs NEW_MODEL_DESIGN: set NEW_MODEL_DESIGN=true or use size 1.")
      }
    }
    if prefillContext > 1 {
      if decodeContext > 1 {
        throw PlanningError(
          "prefill_context_parallel_size \(prefillContext) and decode_context_parallel_size "
            + "\(decodeContext) exclude each other: set one of them to 1.")
      }
      if dp > 1 {
        throw PlanningError(
          "prefill_context_parallel_size \(prefillContext) and data_parallel_size \(dp) exclude each other: "
            + "set one of them to 1.")
      }
      if prefillContext % 2 != 0 {
        throw PlanningError(
          "prefill_context_parallel_size is \(prefillContext), but must be even: use \(prefillContext + 1) "
            + "or \(prefillContext - 1).")
      }
    }
    if let count = request.strategy.numDeviceIndexes, count > 0, count != totalDevices {
      throw PlanningError(
        "device_indexes names \(count) devices, but the mesh has \(totalDevices): name \(totalDevices), or "
          + "none."
      )
    }
  }

  private static func product(_ sizes: [Int]) throws(PlanningError) -> Int {
    if sizes.contains(0) { return 0 }
    var product = 1
    for size in sizes {
      let (next, overflow) = product.multipliedReportingOverflow(by: size)
      if overflow || next > ConfigFields.degrees.upperBound {
        throw PlanningError(
          "The sizes \(sizes.map(String.init).joined(separator: " x ")) make more than "
            + "\(ConfigFields.degrees.upperBound) devices: use smaller ones.")
      }
      product = next
    }
    return product
  }
}
