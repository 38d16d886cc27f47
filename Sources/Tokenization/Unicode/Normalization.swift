/// The four normalisation forms of Unicode (UAX 15), over tables of Unicode 9 as the reference has them.
///
/// A text of which every scalar is left alone by the form (found by one table look-up each) is returned as it is.
/// Otherwise: full decomposition, canonical ordering of marks (a stable sort per run, so a megabyte of marks costs
/// n log n), recomposition.
enum NormalizationForm: Sendable {
  case nfd, nfc, nfkd, nfkc

  /// True if the text is certainly in this form already.
  func isTrivial(_ text: [UInt8]) -> Bool {
    let bytes = text.span
    let tables = NormalizationTables.shared
    let flag: UInt8 =
      switch self {
      case .nfd: NormalizationTables.changesNFD
      case .nfc: NormalizationTables.changesNFC
      case .nfkd: NormalizationTables.changesNFKD
      case .nfkc: NormalizationTables.changesNFKC
      }
    var index = 0
    while index < bytes.count {
      if bytes[index] < 0x80 {
        index &+= 1
        continue
      }
      let (scalar, length) = UTF8Scalars.decode(bytes, at: index)
      if tables.flags[scalar] & flag != 0 || (scalar >= 0xAC00 && scalar < 0xD7A4 && !isComposed) {
        return false
      }
      index &+= length
    }
    return true
  }

  func normalize(_ text: [UInt8]) -> [UInt8] {
    if isTrivial(text) { return text }
    let tables = NormalizationTables.shared
    var scalars = decompose(text.span, tables)
    Self.order(&scalars, tables)
    if isComposed { scalars = Self.compose(scalars, tables) }
    var result: [UInt8] = []
    result.reserveCapacity(text.count + 16)
    for scalar in scalars { UTF8Scalars.append(scalar, to: &result) }
    return result
  }

  private var isComposed: Bool { self == .nfc || self == .nfkc }
  private var isCompatible: Bool { self == .nfkd || self == .nfkc }

  private func decompose(_ bytes: Span<UInt8>, _ tables: NormalizationTables) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let (scalar, length) = UTF8Scalars.decode(bytes, at: index)
      index &+= length
      if scalar < 0x80 {
        result.append(scalar)
      } else if scalar >= 0xAC00, scalar < 0xD7A4 {
        Hangul.decompose(scalar, into: &result)
      } else if let parts = tables.decomposition(scalar, compatible: isCompatible) {
        result.append(contentsOf: parts)
      } else {
        result.append(scalar)
      }
    }
    return result
  }

  /// Sorts every run of marks by their combining class, keeping the order of equal ones.
  private static func order(_ scalars: inout [UInt32], _ tables: NormalizationTables) {
    var index = 0
    while index < scalars.count {
      guard tables.combiningClass[scalars[index]] != 0 else {
        index += 1
        continue
      }
      let start = index
      var isSorted = true
      var last: UInt8 = 0
      while index < scalars.count {
        let combiningClass = tables.combiningClass[scalars[index]]
        if combiningClass == 0 { break }
        if combiningClass < last { isSorted = false }
        last = combiningClass
        index += 1
      }
      if isSorted { continue }
      let run = (start..<index).map {
        (key: UInt64(tables.combiningClass[scalars[$0]]) << 32 | UInt64($0), scalar: scalars[$0])
      }
      for (offset, entry) in run.sorted(by: { $0.key < $1.key }).enumerated() {
        scalars[start + offset] = entry.scalar
      }
    }
  }

  /// Joins each starter with the marks after it that are not blocked.
  private static func compose(_ scalars: [UInt32], _ tables: NormalizationTables) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(scalars.count)
    var starter = -1
    var lastClass: UInt8 = 0
    for scalar in scalars {
      let combiningClass = tables.combiningClass[scalar]
      let isBlocked = starter < 0 || (starter != result.count - 1 && lastClass >= combiningClass)
      if !isBlocked, let composite = tables.composite(result[starter], scalar) {
        result[starter] = composite
        continue
      }
      if combiningClass == 0 {
        starter = result.count
        lastClass = 0
      } else {
        lastClass = combiningClass
      }
      result.append(scalar)
    }
    return result
  }
}

/// The algorithmic part of Unicode: Hangul syllables and their letters.
enum Hangul {
  static func decompose(_ syllable: UInt32, into result: inout [UInt32]) {
    let index = syllable - 0xAC00
    result.append(0x1100 + index / 588)
    result.append(0x1161 + index % 588 / 28)
    if index % 28 != 0 { result.append(0x11A7 + index % 28) }
  }

  static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first >= 0x1100, first < 0x1113, second >= 0x1161, second < 0x1176 {
      return 0xAC00 + ((first - 0x1100) * 21 + (second - 0x1161)) * 28
    }
    if first >= 0xAC00, first < 0xD7A4, (first - 0xAC00) % 28 == 0, second > 0x11A7, second < 0x11C3 {
      return first + (second - 0x11A7)
    }
    return nil
  }
}
