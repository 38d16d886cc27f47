/// Decompositions, compositions and combining classes, unpacked once per process (about 2 ms).
struct NormalizationTables: Sendable {
  static let shared = NormalizationTables()

  static let changesNFD: UInt8 = 1
  static let changesNFC: UInt8 = 2
  static let changesNFKD: UInt8 = 4
  static let changesNFKC: UInt8 = 8

  /// Which forms may change a text because this scalar is in it.
  let flags: ScalarTable<UInt8>
  let combiningClass: ScalarTable<UInt8>

  /// Position in `scalars` of a decomposition (its length, then its scalars), zero for none.
  private let canonical: ScalarTable<UInt16>
  private let compatibility: ScalarTable<UInt16>
  private let scalars: [UInt32]

  /// Composite by its two parts.
  private let composites: [UInt64: UInt32]

  private init() {
    var scalars: [UInt32] = [0]
    var canonical = ScalarTable<UInt16>()
    var compatibility = ScalarTable<UInt16>()
    var composing: [(scalar: UInt32, parts: [UInt32])] = []
    Self.read(UnicodeData.canonicalDecompositions) { scalar, parts, composes in
      canonical[scalar] = UInt16(scalars.count)
      scalars.append(UInt32(parts.count))
      scalars.append(contentsOf: parts)
      if composes { composing.append((scalar, parts)) }
    }
    Self.read(UnicodeData.compatibilityDecompositions) { scalar, parts, _ in
      compatibility[scalar] = UInt16(scalars.count)
      scalars.append(UInt32(parts.count))
      scalars.append(contentsOf: parts)
    }
    let composites = Self.composites(composing)
    let combiningClass = ScalarTable<UInt8>(runs: UnicodeData.combiningClasses)
    self.flags = Self.flags(canonical, compatibility, combiningClass, composing, composites)
    self.combiningClass = combiningClass
    self.canonical = canonical
    self.compatibility = compatibility
    self.scalars = scalars
    self.composites = composites
  }

  func decomposition(_ scalar: UInt32, compatible: Bool) -> ArraySlice<UInt32>? {
    var position = compatible ? Int(compatibility[scalar]) : 0
    if position == 0 { position = Int(canonical[scalar]) }
    if position == 0 { return nil }
    return scalars[(position + 1)..<(position + 1 + Int(scalars[position]))]
  }

  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if let syllable = Hangul.compose(first, second) { return syllable }
    return composites[UInt64(first) << 32 | UInt64(second)]
  }

  private static func read(_ text: StaticString, _ entry: (UInt32, [UInt32], Bool) -> Void) {
    var numbers = PackedNumbers(text)
    var scalar = 0
    while let gap = numbers.next(), let header = numbers.next() {
      scalar += gap
      let parts = (0..<(header / 2)).map { _ in UInt32(numbers.next() ?? 0) }
      entry(UInt32(scalar), parts, header & 1 == 1)
    }
  }

  /// From full decompositions: the last scalar joins with whatever the scalars before it compose to.
  private static func composites(_ composing: [(scalar: UInt32, parts: [UInt32])]) -> [UInt64: UInt32] {
    var byParts: [[UInt32]: UInt32] = [:]
    for entry in composing { byParts[entry.parts] = entry.scalar }
    var result: [UInt64: UInt32] = [:]
    for entry in composing {
      let head = Array(entry.parts.dropLast())
      let first = head.count == 1 ? head[0] : byParts[head]
      if let first { result[UInt64(first) << 32 | UInt64(entry.parts[entry.parts.count - 1])] = entry.scalar }
    }
    return result
  }

  private static func flags(
    _ canonical: ScalarTable<UInt16>, _ compatibility: ScalarTable<UInt16>,
    _ combiningClass: ScalarTable<UInt8>,
    _ composing: [(scalar: UInt32, parts: [UInt32])], _ composites: [UInt64: UInt32]
  ) -> ScalarTable<UInt8> {
    var flags = ScalarTable<UInt8>()
    for scalar in UInt32(0x80)..<0x30000 {
      var flag: UInt8 = 0
      if combiningClass[scalar] != 0 { flag = 15 }
      if canonical[scalar] != 0 { flag |= 15 }
      if compatibility[scalar] != 0 { flag |= changesNFKD | changesNFKC }
      if flag != 0 { flags[scalar] = flag }
    }
    // A scalar that composes to itself is left alone by the composed forms, unless it can join what is before it.
    for entry in composing {
      var flag = flags[entry.scalar] & ~changesNFC
      if compatibility[entry.scalar] == 0 { flag &= ~changesNFKC }
      flags[entry.scalar] = flag
    }
    for pair in composites.keys { flags[UInt32(truncatingIfNeeded: pair)] |= changesNFC | changesNFKC }
    for letter in UInt32(0x1161)..<0x1176 { flags[letter] |= changesNFC | changesNFKC }
    for letter in UInt32(0x11A8)..<0x11C3 { flags[letter] |= changesNFC | changesNFKC }
    return flags
  }
}
