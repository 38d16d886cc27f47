import CIntrinsics

/// What the processor offers and the operating system saves, by CPUID; empty on arm64, whose baseline is
/// enough.
package struct CPUFeatures: OptionSet, Sendable, CustomStringConvertible {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let avx2 = CPUFeatures(rawValue: 1 << 0)
  package static let fma = CPUFeatures(rawValue: 1 << 1)
  package static let f16c = CPUFeatures(rawValue: 1 << 2)
  package static let bmi2 = CPUFeatures(rawValue: 1 << 3)
  package static let avx512f = CPUFeatures(rawValue: 1 << 4)
  package static let avx512bw = CPUFeatures(rawValue: 1 << 5)
  package static let avx512cd = CPUFeatures(rawValue: 1 << 6)
  package static let avx512dq = CPUFeatures(rawValue: 1 << 7)
  package static let avx512vl = CPUFeatures(rawValue: 1 << 8)
  package static let avx512vnni = CPUFeatures(rawValue: 1 << 9)
  package static let avx512bf16 = CPUFeatures(rawValue: 1 << 10)

  /// What `Kernels` is compiled for: the least processor that can run the engine.
  package static let x86v3: CPUFeatures = [.avx2, .fma, .f16c, .bmi2]
  /// What `KernelsAVX512` is compiled for.
  package static let x86v4: CPUFeatures = [
    .x86v3, .avx512f, .avx512bw, .avx512cd, .avx512dq, .avx512vl, .avx512vnni,
  ]

  /// The features of the processor that runs this.
  package static let current = detect()

  private static let namesOfBits: [(CPUFeatures, String)] = [
    (.avx2, "avx2"), (.fma, "fma"), (.f16c, "f16c"), (.bmi2, "bmi2"), (.avx512f, "avx512f"),
    (.avx512bw, "avx512bw"), (.avx512cd, "avx512cd"), (.avx512dq, "avx512dq"), (.avx512vl, "avx512vl"),
    (.avx512vnni, "avx512vnni"), (.avx512bf16, "avx512bf16"),
  ]

  /// Names as Linux prints them, in a fixed order.
  package var names: [String] { Self.namesOfBits.filter { contains($0.0) }.map(\.1) }

  package var description: String { names.joined(separator: " ") }

  /// The maker, as CPUID spells it; empty elsewhere.
  static let vendor: String = {
    #if arch(x86_64)
      let words = identify(leaf: 0)
      let letters = [words.ebx, words.edx, words.ecx].flatMap { word in
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
      }
      return String(decoding: letters, as: UTF8.self)
    #else
      return ""
    #endif
  }()

  private static func detect() -> CPUFeatures {
    #if arch(x86_64)
      let basic = identify(leaf: 1)
      let extended = identify(leaf: 0).eax >= 7 ? identify(leaf: 7) : (eax: 0, ebx: 0, ecx: 0, edx: 0)
      // Without OSXSAVE and the register files in XCR0, vector instructions fault whatever CPUID says.
      let saved = basic.ecx & (1 << 27) != 0 ? xcr0Read() : 0
      var features: CPUFeatures = []
      if saved & 0x6 == 0x6 {
        if basic.ecx & (1 << 12) != 0 { features.insert(.fma) }
        if basic.ecx & (1 << 29) != 0 { features.insert(.f16c) }
        if extended.ebx & (1 << 5) != 0 { features.insert(.avx2) }
        if extended.ebx & (1 << 8) != 0 { features.insert(.bmi2) }
      }
      if saved & 0xE6 == 0xE6 {
        if extended.ebx & (1 << 16) != 0 { features.insert(.avx512f) }
        if extended.ebx & (1 << 17) != 0 { features.insert(.avx512dq) }
        if extended.ebx & (1 << 28) != 0 { features.insert(.avx512cd) }
        if extended.ebx & (1 << 30) != 0 { features.insert(.avx512bw) }
        if extended.ebx & (1 << 31) != 0 { features.insert(.avx512vl) }
        if extended.ecx & (1 << 11) != 0 { features.insert(.avx512vnni) }
        if extended.eax >= 1, identify(leaf: 7, subleaf: 1).eax & (1 << 5) != 0 {
          features.insert(.avx512bf16)
        }
      }
      return features
    #else
      return []
    #endif
  }

  #if arch(x86_64)
    private static func identify(leaf: UInt32, subleaf: UInt32 = 0) -> (
      eax: UInt32, ebx: UInt32, ecx: UInt32, edx: UInt32
    ) {
      var words: [UInt32] = [0, 0, 0, 0]
      unsafe words.withUnsafeMutableBufferPointer { unsafe cpuidRead(leaf, subleaf, $0.baseAddress!) }
      return (words[0], words[1], words[2], words[3])
    }
  #endif
}
