/// Most floats that `withScratch` lends.
let scratchFloats = 8192

/// Lends `count` floats of the stack, at most `scratchFloats`.
///
/// Swift fills with zeros whatever it lends, so the smallest of three sizes is taken: sixteen KiB of zeros before each
/// product of a small expert were a hundredth of a step.
@inline(never)
func withScratch(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
  precondition(count <= scratchFloats, "\(count) floats of scratch")
  if count <= 512 {
    lendSmall(body)
  } else if count <= 2048 {
    lendMedium(body)
  } else {
    lendLarge(body)
  }
}

@inline(never)
private func lendSmall(_ body: (UnsafeMutablePointer<Float>) -> Void) {
  var memory = InlineArray<512, Float>(repeating: 0)
  var span = memory.mutableSpan
  span.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}

@inline(never)
private func lendMedium(_ body: (UnsafeMutablePointer<Float>) -> Void) {
  var memory = InlineArray<2048, Float>(repeating: 0)
  var span = memory.mutableSpan
  span.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}

@inline(never)
private func lendLarge(_ body: (UnsafeMutablePointer<Float>) -> Void) {
  var memory = InlineArray<8192, Float>(repeating: 0)
  var span = memory.mutableSpan
  span.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}
