import Kernels
import KernelsAVX512

// From scores to choices: softmax, top-k, argmax, log-sum-exp; checksums and probes.
// One door per kernel; parameters are explained in `Kernels`.

extension KernelTable {
  /// y = e^(x - max) / sum over one short row, such as router scores. y may be x.
  package func softmax(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.softmax(x: x, y: y, count: count)
    case .avx2, .neon:
      unsafe Kernels.softmax(x: x, y: y, count: count)
    case .reference:
      unsafe Kernels.referenceSoftmax(x: x, y: y, count: count)
    }
  }

  /// Maximum and sum of e^(x - maximum) for each leaf of a row of logits: the parts of a log-sum-exp.
  package func logSumExpLeaves(
    x: UnsafePointer<Float>, count: Int, leafWidth: Int, maxima: UnsafeMutablePointer<Float>,
    sums: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.logSumExpLeaves(
        x: x, count: count, leafWidth: leafWidth, maxima: maxima, sums: sums)
    case .avx2, .neon:
      unsafe Kernels.logSumExpLeaves(x: x, count: count, leafWidth: leafWidth, maxima: maxima, sums: sums)
    case .reference:
      unsafe Kernels.referenceLogSumExpLeaves(
        x: x, count: count, leafWidth: leafWidth, maxima: maxima, sums: sums)
    }
  }

  /// The `count` largest elements of a row, descending; equal values in ascending order of index.
  package func topK(
    x: UnsafePointer<Float>, size: Int, count: Int, indices: UnsafeMutablePointer<Int32>,
    values: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.topK(x: x, size: size, count: count, indices: indices, values: values)
    case .avx2, .neon:
      unsafe Kernels.topK(x: x, size: size, count: count, indices: indices, values: values)
    case .reference:
      unsafe Kernels.referenceTopK(x: x, size: size, count: count, indices: indices, values: values)
    }
  }

  /// Index of the greatest element, the lowest one among equals; NaN never wins; 0 when nothing is above
  /// -infinity.
  package func argmax(x: UnsafePointer<Float>, count: Int) -> Int {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.argmax(x: x, count: count)
    case .avx2, .neon:
      unsafe Kernels.argmax(x: x, count: count)
    case .reference:
      unsafe Kernels.referenceArgmax(x: x, count: count)
    }
  }

  /// CRC-32C (Castagnoli, as in iSCSI) of `count` bytes, continuing from `crc` (0 at the start).
  package func crc32c(_ bytes: UnsafeRawPointer, count: Int, crc: UInt32) -> UInt32 {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.crc32c(bytes, count: count, crc: crc)
    case .avx2, .neon:
      unsafe Kernels.crc32c(bytes, count: count, crc: crc)
    case .reference:
      unsafe Kernels.softwareCRC32C(bytes, count: count, crc: crc)
    }
  }

  /// Reads `byteCount` bytes once, a multiple of 256, and returns their sum as floats so that no read can be
  /// left out.
  package func readProbe(_ bytes: UnsafeRawPointer, byteCount: Int) -> Float {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.readProbe(bytes, byteCount: byteCount, prefetchBytes: prefetchBytes)
    case .avx2, .neon:
      unsafe Kernels.readProbe(bytes, byteCount: byteCount, prefetchBytes: prefetchBytes)
    case .reference:
      unsafe Kernels.readProbe(bytes, byteCount: byteCount, prefetchBytes: prefetchBytes)
    }
  }

  /// `rounds` of 96 independent fused multiply-adds (192 floating-point operations), from registers only.
  package func arithmeticProbe(rounds: Int, seed: Float) -> Float {
    switch instructionSet {
    case .avx512:
      KernelsAVX512.arithmeticProbe(rounds: rounds, seed: seed)
    case .avx2, .neon:
      Kernels.arithmeticProbe(rounds: rounds, seed: seed)
    case .reference:
      Kernels.arithmeticProbe(rounds: rounds, seed: seed)
    }
  }
}
