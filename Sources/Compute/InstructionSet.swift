/// Which kernels run: the textbook reference or one of the vector forms, all with the same results.
package enum InstructionSet: String, Sendable, CaseIterable {
  /// Plain scalar loops, for comparison; needs the processor of the baseline vector form all the same.
  case reference
  /// x86-64-v3: AVX2, FMA, F16C.
  case avx2
  /// x86-64-v4 (AVX-512 F, BW, CD, DQ, VL) with VNNI; processors without VNNI run the AVX2 form.
  case avx512
  /// arm64.
  case neon

  /// The fastest form that this processor and operating system can run.
  package static let best: InstructionSet = {
    #if arch(x86_64)
      CPUFeatures.current.isSuperset(of: .x86v4) ? .avx512 : .avx2
    #else
      .neon
    #endif
  }()

  /// Whether this processor can run the form.
  package var isAvailable: Bool {
    #if arch(x86_64)
      switch self {
      case .reference, .avx2: CPUFeatures.current.isSuperset(of: .x86v3)
      case .avx512: CPUFeatures.current.isSuperset(of: .x86v4)
      case .neon: false
      }
    #else
      self == .neon || self == .reference
    #endif
  }
}
