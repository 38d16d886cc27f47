internal import Compute
internal import Layers
internal import Tensors

extension RankProgram {
  /// Bytes of weights that one decode step of `batch` sequences reads on this rank.
  ///
  /// Every matrix once; of the routed experts the share that `batch` tokens are expected to hit when routing
  /// is even: 1 - (1 - k/E)^batch.
  package func weightBytesPerStep(batch: Int) -> Double {
    program.steps.reduce(0) { sum, step in
      guard case .op(let op) = step else { return sum }
      switch op {
      case .matmul(let op): return sum + Self.bytes(op.weight)
      case .leafMatmul(let op): return sum + Self.bytes(op.weight)
      case .expertGateUp(let op):
        return sum + Self.bytes(op.gateUp) * Double(op.expertCount) * expertShare(batch)
      case .expertDown(let op): return sum + Self.bytes(op.down) * Double(op.expertCount) * expertShare(batch)
      default: return sum
      }
    }
  }

  private func expertShare(_ batch: Int) -> Double {
    guard let experts = places.experts else { return 1 }
    let missed = 1 - Double(experts.numChosen) / Double(experts.numExperts)
    return 1 - (0..<batch).reduce(1.0) { product, _ in product * missed }
  }

  private static func bytes(_ matrix: PackedMatrix) -> Double {
    Double(matrix.byteCount)
  }
}
