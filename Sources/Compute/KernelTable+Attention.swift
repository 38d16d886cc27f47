import Kernels
import KernelsAVX512
package import Tensors

// Positions, the KV cache and attention.
// One door per kernel; parameters are explained in `Kernels`.

extension KernelTable {
  /// Rotary position embedding in place, halves of the rotary part paired (Su et al. 2021, in the NeoX
  /// arrangement).
  package func rope(
    x: UnsafeMutablePointer<Float>, xStride: Int, rows: Range<Int>, heads: Int, headDim: Int,
    rotaryDim: Int, positions: UnsafePointer<Int32>, cosines: UnsafePointer<Float>,
    sines: UnsafePointer<Float>
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.rope(
        x: x, xStride: xStride, rows: rows, heads: heads, headDim: headDim, rotaryDim: rotaryDim,
        positions: positions, cosines: cosines, sines: sines)
    case .avx2, .neon:
      unsafe Kernels.rope(
        x: x, xStride: xStride, rows: rows, heads: heads, headDim: headDim, rotaryDim: rotaryDim,
        positions: positions, cosines: cosines, sines: sines)
    case .reference:
      unsafe Kernels.referenceRope(
        x: x, xStride: xStride, rows: rows, heads: heads, headDim: headDim, rotaryDim: rotaryDim,
        positions: positions, cosines: cosines, sines: sines)
    }
  }

  /// Fills cosine and sine tables for `positions`: angle = f32(position) * inverseFrequencies[i], rounded to
  /// f32.
  package func ropeTable(
    inverseFrequencies: UnsafePointer<Float>, half: Int, positions: Range<Int>, attentionFactor: Float,
    cosines: UnsafeMutablePointer<Float>, sines: UnsafeMutablePointer<Float>
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.ropeTable(
        inverseFrequencies: inverseFrequencies, half: half, positions: positions,
        attentionFactor: attentionFactor, cosines: cosines, sines: sines)
    case .avx2, .neon:
      unsafe Kernels.ropeTable(
        inverseFrequencies: inverseFrequencies, half: half, positions: positions,
        attentionFactor: attentionFactor, cosines: cosines, sines: sines)
    case .reference:
      unsafe Kernels.ropeTable(
        inverseFrequencies: inverseFrequencies, half: half, positions: positions,
        attentionFactor: attentionFactor, cosines: cosines, sines: sines)
    }
  }

  /// Writes keys and values of some tokens into their page slots, for one layer and one kv head.
  package func kvWrite(
    k: UnsafePointer<Float>, kStride: Int, v: UnsafePointer<Float>, vStride: Int, tokens: Range<Int>,
    headDim: Int, slots: UnsafePointer<Int32>, slotsPerPage: Int, format: KVFormat,
    keys: UnsafeMutableRawPointer, keyPageBytes: Int, values: UnsafeMutableRawPointer,
    valuePageBytes: Int
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.kvWrite(
        k: k, kStride: kStride, v: v, vStride: vStride, tokens: tokens, headDim: headDim, slots: slots,
        slotsPerPage: slotsPerPage, format: format, keys: keys, keyPageBytes: keyPageBytes, values: values,
        valuePageBytes: valuePageBytes)
    case .avx2, .neon:
      unsafe Kernels.kvWrite(
        k: k, kStride: kStride, v: v, vStride: vStride, tokens: tokens, headDim: headDim, slots: slots,
        slotsPerPage: slotsPerPage, format: format, keys: keys, keyPageBytes: keyPageBytes, values: values,
        valuePageBytes: valuePageBytes)
    case .reference:
      unsafe Kernels.referenceKVWrite(
        k: k, kStride: kStride, v: v, vStride: vStride, tokens: tokens, headDim: headDim, slots: slots,
        slotsPerPage: slotsPerPage, format: format, keys: keys, keyPageBytes: keyPageBytes, values: values,
        valuePageBytes: valuePageBytes)
    }
  }

  /// Attention of some tokens of one sequence over one kv head's pages, for the query heads that share it.
  package func attend(
    q: UnsafePointer<Float>, qStride: Int, queryHeads: Int, headDim: Int, tokens: Range<Int>,
    positions: UnsafePointer<Int32>, lowerKeys: UnsafePointer<Int32>?, scale: Float, cap: Float,
    pageTable: UnsafePointer<Int32>, slotsPerPage: Int, format: KVFormat, keys: UnsafeRawPointer,
    keyPageBytes: Int, values: UnsafeRawPointer, valuePageBytes: Int, y: UnsafeMutablePointer<Float>,
    yStride: Int
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.attend(
        q: q, qStride: qStride, queryHeads: queryHeads, headDim: headDim, tokens: tokens,
        positions: positions, lowerKeys: lowerKeys, scale: scale, cap: cap, pageTable: pageTable,
        slotsPerPage: slotsPerPage, format: format, keys: keys, keyPageBytes: keyPageBytes, values: values,
        valuePageBytes: valuePageBytes, y: y, yStride: yStride)
    case .avx2, .neon:
      unsafe Kernels.attend(
        q: q, qStride: qStride, queryHeads: queryHeads, headDim: headDim, tokens: tokens,
        positions: positions, lowerKeys: lowerKeys, scale: scale, cap: cap, pageTable: pageTable,
        slotsPerPage: slotsPerPage, format: format, keys: keys, keyPageBytes: keyPageBytes, values: values,
        valuePageBytes: valuePageBytes, y: y, yStride: yStride)
    case .reference:
      unsafe Kernels.referenceAttend(
        q: q, qStride: qStride, queryHeads: queryHeads, headDim: headDim, tokens: tokens,
        positions: positions, lowerKeys: lowerKeys, scale: scale, cap: cap, pageTable: pageTable,
        slotsPerPage: slotsPerPage, format: format, keys: keys, keyPageBytes: keyPageBytes, values: values,
        valuePageBytes: valuePageBytes, y: y, yStride: yStride)
    }
  }
}
