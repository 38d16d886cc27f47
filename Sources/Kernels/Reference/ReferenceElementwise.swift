import Tensors

/// The textbook twin of `addInPlace`.
package func referenceAddInPlace(y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, count: Int) {
  for i in 0..<count { y[i] += x[i] }
}

/// The textbook twin of `scaledAccumulate`.
package func referenceScaledAccumulate(
  y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, scale: Float, count: Int
) {
  for i in 0..<count { y[i] = y[i].addingProduct(scale, x[i]) }
}

/// The textbook twin of `multiply`.
package func referenceMultiply(
  y: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, scale: Float, count: Int
) {
  for i in 0..<count { y[i] = x[i] * scale }
}

/// The textbook twin of `convertToBF16`.
package func referenceConvertToBF16(x: UnsafePointer<Float>, y: UnsafeMutablePointer<UInt16>, count: Int) {
  for i in 0..<count { y[i] = BFloat16(x[i]).bits }
}

/// The textbook twin of `convertFromBF16`.
package func referenceConvertFromBF16(x: UnsafePointer<UInt16>, y: UnsafeMutablePointer<Float>, count: Int) {
  for i in 0..<count { y[i] = BFloat16(bits: x[i]).float }
}
