import Parsing

extension Normalizer {
  init(_ json: JSONValue) throws(TokenizerError) {
    let part = try PipelinePart(json, kind: "normalizer")
    switch part.type {
    case "Sequence":
      var normalizers: [Normalizer] = []
      for element in try part.array("normalizers") { normalizers.append(try Normalizer(element)) }
      self = .sequence(normalizers)
    case "NFC": self = .form(.nfc)
    case "NFD": self = .form(.nfd)
    case "NFKC": self = .form(.nfkc)
    case "NFKD": self = .form(.nfkd)
    case "Lowercase": self = .lowercase
    case "Strip": self = .strip(left: try part.bool("strip_left"), right: try part.bool("strip_right"))
    case "StripAccents": self = .stripAccents
    case "Prepend": self = .prepend(Array(try part.string("prepend").utf8))
    case "Replace":
      self = .replace(
        try TextPattern(part["pattern"], place: part.name), with: Array(try part.string("content").utf8))
    case "Precompiled":
      self = .precompiled(try PrecompiledCharacterMap(base64: try part.string("precompiled_charsmap")))
    case "BertNormalizer", "Bert":
      let lowercases = try part.bool("lowercase")
      self = .bert(
        BertOptions(
          cleansText: try part.bool("clean_text"), spacesChinese: try part.bool("handle_chinese_chars"),
          stripsAccents: part["strip_accents"]?.bool ?? lowercases, lowercases: lowercases))
    case "Nmt": self = .nmt
    case "ByteLevel": self = .byteLevel
    default: throw part.unsupported
    }
  }
}

/// One part of the pipeline in `tokenizer.json`, for reading its fields.
struct PipelinePart {
  let type: String
  let kind: String
  private let object: JSONObject

  init(_ json: JSONValue, kind: String) throws(TokenizerError) {
    guard let object = json.object, let type = object["type"]?.string else {
      throw TokenizerError("a \(kind) must be an object with a \"type\"")
    }
    self.object = object
    self.type = type
    self.kind = kind
  }

  var name: String { "the \(kind) \(type)" }

  var unsupported: TokenizerError { TokenizerError("the \(kind) \"\(type)\" is not supported") }

  subscript(_ field: String) -> JSONValue? {
    guard let value = object[field], !value.isNull else { return nil }
    return value
  }

  func bool(_ field: String, default fallback: Bool? = nil) throws(TokenizerError) -> Bool {
    guard let value = self[field]?.bool ?? fallback else { throw missing(field, "a boolean") }
    return value
  }

  func string(_ field: String) throws(TokenizerError) -> String {
    guard let value = self[field]?.string else { throw missing(field, "a string") }
    return value
  }

  func array(_ field: String) throws(TokenizerError) -> [JSONValue] {
    guard let value = self[field]?.array else { throw missing(field, "an array") }
    return value
  }

  /// A whole number of at least zero.
  func count(_ field: String, default fallback: Int? = nil) throws(TokenizerError) -> Int {
    guard let value = self[field]?.int ?? fallback, value >= 0 else { throw missing(field, "a whole number") }
    return value
  }

  /// A string of exactly one scalar.
  func scalar(_ field: String) throws(TokenizerError) -> UInt32 {
    let scalars = Array(try string(field).unicodeScalars)
    guard scalars.count == 1 else { throw missing(field, "one character") }
    return scalars[0].value
  }

  func missing(_ field: String, _ wanted: String) -> TokenizerError {
    TokenizerError("\(name) needs \"\(field)\" to be \(wanted)")
  }
}
