import Kernels
import KernelsAVX512

// Norms, activations and element-wise work on rows.
// One door per kernel; parameters are explained in `Kernels`.

extension KernelTable {
  /// y = (x * r) * w with r = 1 / sqrt(mean of squares + epsilon), per vector of `size` elements.
  package func rmsNorm(
    x: UnsafePointer<Float>, xStride: Int, rows: Range<Int>, vectorsPerRow: Int, size: Int,
    weight: UnsafePointer<Float>, unitOffset: Bool, epsilon: Float, y: UnsafeMutablePointer<Float>,
    yStride: Int
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.rmsNorm(
        x: x, xStride: xStride, rows: rows, vectorsPerRow: vectorsPerRow, size: size, weight: weight,
        unitOffset: unitOffset, epsilon: epsilon, y: y, yStride: yStride)
    case .avx2, .neon:
      unsafe Kernels.rmsNorm(
        x: x, xStride: xStride, rows: rows, vectorsPerRow: vectorsPerRow, size: size, weight: weight,
        unitOffset: unitOffset, epsilon: epsilon, y: y, yStride: yStride)
    case .reference:
      unsafe Kernels.referenceRMSNorm(
        x: x, xStride: xStride, rows: rows, vectorsPerRow: vectorsPerRow, size: size, weight: weight,
        unitOffset: unitOffset, epsilon: epsilon, y: y, yStride: yStride)
    }
  }

  /// y = gate / (1 + e^-gate) * up, element by element: SiLU of the gate times the up projection.
  package func siluMul(
    gate: UnsafePointer<Float>, gateStride: Int, up: UnsafePointer<Float>, upStride: Int,
    y: UnsafeMutablePointer<Float>, yStride: Int, rows: Range<Int>, columns: Range<Int>
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.siluMul(
        gate: gate, gateStride: gateStride, up: up, upStride: upStride, y: y, yStride: yStride,
        rows: rows, columns: columns)
    case .avx2, .neon:
      unsafe Kernels.siluMul(
        gate: gate, gateStride: gateStride, up: up, upStride: upStride, y: y, yStride: yStride,
        rows: rows, columns: columns)
    case .reference:
      unsafe Kernels.referenceSiluMul(
        gate: gate, gateStride: gateStride, up: up, upStride: upStride, y: y, yStride: yStride,
        rows: rows, columns: columns)
    }
  }

  /// y = gelu(gate) * up with the tanh form of GELU, as x * sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)).
  package func geluTanhMul(
    gate: UnsafePointer<Float>, gateStride: Int, up: UnsafePointer<Float>, upStride: Int,
    y: UnsafeMutablePointer<Float>, yStride: Int, rows: Range<Int>, columns: Range<Int>
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.geluTanhMul(
        gate: gate, gateStride: gateStride, up: up, upStride: upStride, y: y, yStride: yStride,
        rows: rows, columns: columns)
    case .avx2, .neon:
      unsafe Kernels.geluTanhMul(
        gate: gate, gateStride: gateStride, up: up, upStride: upStride, y: y, yStride: yStride,
        rows: rows, columns: columns)
    case .reference:
      unsafe Kernels.referenceGeluTanhMul(
        gate: gate, gateStride: gateStride, up: up, upStride: upStride, y: y, yStride: yStride,
        rows: rows, columns: columns)
    }
  }

  /// y = 1 / (1 + e^-x), element by element. y may be x.
  package func sigmoid(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.sigmoid(x: x, y: y, count: count)
    case .avx2, .neon:
      unsafe Kernels.sigmoid(x: x, y: y, count: count)
    case .reference:
      unsafe Kernels.referenceSigmoid(x: x, y: y, count: count)
    }
  }

  /// y = tanh x, element by element. y may be x.
  package func hyperbolicTangent(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.hyperbolicTangent(x: x, y: y, count: count)
    case .avx2, .neon:
      unsafe Kernels.hyperbolicTangent(x: x, y: y, count: count)
    case .reference:
      unsafe Kernels.referenceHyperbolicTangent(x: x, y: y, count: count)
    }
  }

  /// y = cap * tanh(x / cap), element by element: the soft cap of logits. y may be x.
  package func softCap(x: UnsafePointer<Float>, cap: Float, y: UnsafeMutablePointer<Float>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.softCap(x: x, cap: cap, y: y, count: count)
    case .avx2, .neon:
      unsafe Kernels.softCap(x: x, cap: cap, y: y, count: count)
    case .reference:
      unsafe Kernels.referenceSoftCap(x: x, cap: cap, y: y, count: count)
    }
  }

  /// y = e^x, element by element. y may be x.
  package func exponentials(x: UnsafePointer<Float>, y: UnsafeMutablePointer<Float>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.exponentials(x: x, y: y, count: count)
    case .avx2, .neon:
      unsafe Kernels.exponentials(x: x, y: y, count: count)
    case .reference:
      unsafe Kernels.referenceExponentials(x: x, y: y, count: count)
    }
  }

  /// y += x: the residual addition.
  package func addInPlace(y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.addInPlace(y: y, x: x, count: count)
    case .avx2, .neon:
      unsafe Kernels.addInPlace(y: y, x: x, count: count)
    case .reference:
      unsafe Kernels.referenceAddInPlace(y: y, x: x, count: count)
    }
  }

  /// y = fma(scale, x, y): one expert's result joins a token's output.
  package func scaledAccumulate(
    y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, scale: Float, count: Int
  ) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.scaledAccumulate(y: y, x: x, scale: scale, count: count)
    case .avx2, .neon:
      unsafe Kernels.scaledAccumulate(y: y, x: x, scale: scale, count: count)
    case .reference:
      unsafe Kernels.referenceScaledAccumulate(y: y, x: x, scale: scale, count: count)
    }
  }

  /// y = x * scale. y may be x.
  package func multiply(y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, scale: Float, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.multiply(y: y, x: x, scale: scale, count: count)
    case .avx2, .neon:
      unsafe Kernels.multiply(y: y, x: x, scale: scale, count: count)
    case .reference:
      unsafe Kernels.referenceMultiply(y: y, x: x, scale: scale, count: count)
    }
  }

  /// f32 to bfloat16 bits, to nearest, ties to even; NaN becomes quiet.
  package func convertToBF16(x: UnsafePointer<Float>, y: UnsafeMutablePointer<UInt16>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.convertToBF16(x: x, y: y, count: count)
    case .avx2, .neon:
      unsafe Kernels.convertToBF16(x: x, y: y, count: count)
    case .reference:
      unsafe Kernels.referenceConvertToBF16(x: x, y: y, count: count)
    }
  }

  /// bfloat16 bits to f32, exactly.
  package func convertFromBF16(x: UnsafePointer<UInt16>, y: UnsafeMutablePointer<Float>, count: Int) {
    switch instructionSet {
    case .avx512:
      unsafe KernelsAVX512.convertFromBF16(x: x, y: y, count: count)
    case .avx2, .neon:
      unsafe Kernels.convertFromBF16(x: x, y: y, count: count)
    case .reference:
      unsafe Kernels.referenceConvertFromBF16(x: x, y: y, count: count)
    }
  }
}
