package import Tensors

// What a worker computes or copies into the weights arena besides the checkpoint.
extension StepMemory {
  private func weightPointer(_ region: Region, bytes: Int) -> UnsafeMutableRawPointer {
    precondition(
      region.arena == .weights && region.byteOffset >= 0 && region.byteOffset + bytes <= weights.byteCount,
      "\(region.byteOffset) + \(bytes) bytes outside weights of \(weights.byteCount)")
    return unsafe weights.base + region.byteOffset
  }

  /// Copies constant bytes.
  package func write(_ bytes: [UInt8], to region: Region) {
    let target = unsafe weightPointer(region, bytes: bytes.count)
    unsafe bytes.withUnsafeBytes { source in
      guard let base = source.baseAddress else { return }
      unsafe target.copyMemory(from: base, byteCount: bytes.count)
    }
  }

  /// Adds `offset` to `count` floats: norm weights that checkpoints store around zero.
  package func add(_ offset: Float, to region: Region, count: Int) {
    let target = unsafe weightPointer(region, bytes: count * 4).assumingMemoryBound(to: Float.self)
    for index in 0..<count { unsafe target[index] += offset }
  }

  /// Computes rotary tables `[position][pair]`.
  package func fillRotaryTables(
    cosines: Region, sines: Region, inverseFrequencies: [Float], positions: Int, attentionFactor: Float,
    kernels: KernelTable
  ) {
    let bytes = inverseFrequencies.count * positions * 4
    let cosineTable = unsafe weightPointer(cosines, bytes: bytes).assumingMemoryBound(to: Float.self)
    let sineTable = unsafe weightPointer(sines, bytes: bytes).assumingMemoryBound(to: Float.self)
    unsafe inverseFrequencies.withUnsafeBufferPointer { frequencies in
      guard let base = frequencies.baseAddress else { return }
      unsafe kernels.ropeTable(
        inverseFrequencies: base, half: inverseFrequencies.count, positions: 0..<positions,
        attentionFactor: attentionFactor, cosines: cosineTable, sines: sineTable)
    }
  }
}
