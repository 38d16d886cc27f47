/// One step of the normalisation of a text before it is split.
indirect enum Normalizer: Sendable {
  case sequence([Normalizer])
  case form(NormalizationForm)
  case lowercase
  case strip(left: Bool, right: Bool)
  case stripAccents
  case prepend([UInt8])
  case replace(TextPattern, with: [UInt8])
  case precompiled(PrecompiledCharacterMap)
  case bert(BertOptions)
  case nmt
  case byteLevel

  struct BertOptions: Sendable {
    var cleansText: Bool
    var spacesChinese: Bool
    var stripsAccents: Bool
    var lowercases: Bool
  }

  func apply(to text: inout NormalizedText) {
    switch self {
    case .sequence(let normalizers):
      for normalizer in normalizers { normalizer.apply(to: &text) }
    case .form(let form): text.normalize(form)
    case .lowercase: Self.lowercase(&text)
    case .strip(let left, let right): text.strip(left: left, right: right)
    case .stripAccents: text.filterScalars { !ScalarClass.isCombiningMark($0) }
    case .prepend(let prefix): text.prepend(prefix)
    case .replace(let pattern, let content): text.replace(pattern, with: content)
    case .precompiled(let map): map.apply(to: &text)
    case .bert(let options): Self.bert(options, &text)
    case .nmt: Self.nmt(&text)
    case .byteLevel:
      text.mapScalars { scalar, result in
        var encoded: [UInt8] = []
        UTF8Scalars.append(scalar, to: &encoded)
        ByteAlphabet.encode(encoded[...], to: &result)
      }
    }
  }

  private static func lowercase(_ text: inout NormalizedText) {
    text.mapScalars { scalar, result in
      if scalar < 0x80 {
        result.append(UInt8(scalar >= 0x41 && scalar <= 0x5A ? scalar + 0x20 : scalar))
      } else if let value = Unicode.Scalar(scalar) {
        result.append(contentsOf: value.properties.lowercaseMapping.utf8)
      }
    }
  }

  private static func bert(_ options: BertOptions, _ text: inout NormalizedText) {
    if options.cleansText {
      text.mapScalars { scalar, result in
        if scalar == 0 || scalar == 0xFFFD || ScalarClass.isControl(scalar) { return }
        UTF8Scalars.append(ScalarClass.isWhitespace(scalar) ? 0x20 : scalar, to: &result)
      }
    }
    if options.spacesChinese {
      text.mapScalars { scalar, result in
        let isChinese = ScalarClass.isChinese(scalar)
        if isChinese { result.append(0x20) }
        UTF8Scalars.append(scalar, to: &result)
        if isChinese { result.append(0x20) }
      }
    }
    if options.stripsAccents {
      text.normalize(.nfd)
      text.filterScalars { !ScalarClass.isNonspacingMark($0) }
    }
    if options.lowercases { lowercase(&text) }
  }

  /// The cleaning of "neural machine translation" models of SentencePiece.
  private static func nmt(_ text: inout NormalizedText) {
    text.mapScalars { scalar, result in
      switch scalar {
      case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: return
      case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
        result.append(0x20)
      default: UTF8Scalars.append(scalar, to: &result)
      }
    }
  }
}
