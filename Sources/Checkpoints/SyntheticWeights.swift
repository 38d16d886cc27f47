package import Tensors

/// `--load-format dummy`: random weights that are a pure function of (seed, tensor name, element index).
///
/// Every way of cutting a tensor therefore yields the same elements, on every mesh. Matrices are near-normal
/// with standard deviation `columns ^ -0.5`, which keeps activations and logits near unit size; norms are
/// `normWeight`; other vectors have a standard deviation of 0.02. An element is a sum of four bytes of a
/// 64-bit mix of its position (Irwin-Hall; G. Steele et al., "Fast splittable pseudorandom number
/// generators", 2014), looked up in a table of the 1021 possible values.
package struct SyntheticWeights: WeightSource, Sendable {
  package enum Kind: Sendable, Hashable {
    case norm
    case random(deviation: Float)
  }

  private let seed: UInt64
  private let dtype: DType
  private let normWeight: Float

  /// - Parameters:
  ///   - dtype: what the weights pretend to be stored as: `.bf16`, anything else means `.f32`.
  ///   - normWeight: stored weight of a norm that changes nothing: 1, or 0 where one is added before use.
  package init(seed: UInt64, dtype: DType, normWeight: Float = 1) {
    self.seed = seed
    self.dtype = dtype == .bf16 ? .bf16 : .f32
    self.normWeight = normWeight
  }

  package var title: String { "dummy weights" }

  package func contains(_ name: String) -> Bool { true }

  package func resolve(_ tensor: CheckpointTensor) throws(CheckpointError) -> ResolvedTensor {
    let name = tensor.name
    var key: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name.utf8 { key = (key ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let kind: Kind =
      name.hasSuffix("norm.weight")
      ? .norm
      : .random(deviation: tensor.shape.count == 1 ? 0.02 : 1 / Float(tensor.columns).squareRoot())
    return ResolvedTensor(
      tensor: tensor, name: name, dtype: dtype,
      origin: .stream(key: Self.mix(key &+ Self.mix(seed)), kind: kind))
  }

  @unsafe
  package func locate(
    _ tensor: ResolvedTensor, rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutableRawBufferPointer
  ) -> (base: UnsafeRawPointer, rowStride: Int) {
    guard case .stream(let key, let kind) = tensor.origin else {
      preconditionFailure("\(tensor.name) was resolved by another source")
    }
    let stride = columns.count * dtype.byteCount
    precondition(scratch.count >= rows.count * stride, "scratch of \(scratch.count) bytes is too small")
    let table = Table(kind, normWeight)
    for (index, row) in rows.enumerated() {
      let first = UInt64(row * tensor.columns + columns.lowerBound)
      let target = unsafe UnsafeMutableRawBufferPointer(
        rebasing: scratch[index * stride..<(index + 1) * stride])
      if dtype == .bf16 {
        unsafe Self.fill(target.assumingMemoryBound(to: UInt16.self), table.halves, key, first)
      } else {
        unsafe Self.fill(target.assumingMemoryBound(to: Float.self), table.floats, key, first)
      }
    }
    guard let base = scratch.baseAddress else { preconditionFailure("scratch has no memory") }
    return (UnsafeRawPointer(base), stride)
  }

  package func prefetch(_ tensor: ResolvedTensor, rows: Range<Int>) {}
  package func release(_ tensor: ResolvedTensor, rows: Range<Int>) {}

  /// The value of each byte sum; all alike for a norm.
  private struct Table {
    var floats: [Float]
    var halves: [UInt16]

    init(_ kind: Kind, _ normWeight: Float) {
      switch kind {
      case .norm:
        floats = [Float](repeating: normWeight, count: 1021)
      case .random(let deviation):
        // The sum of four bytes has mean 510 and variance 4 * (256 ^ 2 - 1) / 12.
        let step = deviation / Float(21845).squareRoot()
        floats = (0...1020).map { Float($0 - 510) * step }
      }
      halves = floats.map { BFloat16($0).bits }
    }
  }

  private static func fill<Element>(
    _ target: UnsafeMutableBufferPointer<Element>, _ table: [Element], _ key: UInt64, _ first: UInt64
  ) {
    unsafe table.withUnsafeBufferPointer { table in
      var index = 0
      var element = first
      if element & 1 == 1, index < target.count {
        unsafe target[0] = table[pair(key, element >> 1).odd]
        index = 1
        element += 1
      }
      while index + 2 <= target.count {
        let sums = pair(key, element >> 1)
        unsafe target[index] = table[sums.even]
        unsafe target[index + 1] = table[sums.odd]
        index += 2
        element += 2
      }
      if index < target.count { unsafe target[index] = table[pair(key, element >> 1).even] }
    }
  }

  /// Byte sums, 0...1020, of the elements `2 * index` and `2 * index + 1`.
  @inline(__always)
  private static func pair(_ key: UInt64, _ index: UInt64) -> (even: Int, odd: Int) {
    let bits = mix(key &+ index &* 0x9E37_79B9_7F4A_7C15)
    let halves = (bits & 0x00FF_00FF_00FF_00FF) &+ (bits >> 8 & 0x00FF_00FF_00FF_00FF)
    let sums = halves &+ halves >> 16
    return (Int(sums & 0x7FF), Int(sums >> 32 & 0x7FF))
  }

  /// The finalizer of SplitMix64.
  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var bits = value
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return bits ^ bits >> 31
  }
}
