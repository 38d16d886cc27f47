import Parsing

/// Adds special tokens around the ids of a text, and fits them to a length.
indirect enum PostProcessor: Sendable {
  case sequence([PostProcessor])
  case byteLevel
  case template(Template)
  /// `[first] ids [last]`; parts after the first get `last` on one side (BERT) or both (RoBERTa).
  case surround(first: Int32, last: Int32, bothSides: Bool)

  struct Template: Sendable {
    enum Item: Sendable {
      case text(Int)
      case special([Int32])
    }

    var single: [Item]
    var pair: [Item]
  }

  /// - Parameter parts: one list of ids at first; a template leaves one per item.
  func apply(to parts: [[Int32]], addSpecialTokens: Bool) throws(TokenizerError) -> [[Int32]] {
    switch self {
    case .sequence(let steps):
      var result = parts
      for step in steps { result = try step.apply(to: result, addSpecialTokens: addSpecialTokens) }
      return result
    case .byteLevel: return parts
    case .template(let template):
      guard parts.count <= 2 else {
        throw TokenizerError(
          "the post-processor TemplateProcessing stands after another one that has split the ids")
      }
      let items = parts.count == 1 ? template.single : template.pair
      return items.compactMap { item in
        switch item {
        case .text(let number): parts[number]
        case .special(let ids): addSpecialTokens ? ids : nil
        }
      }
    case .surround(let first, let last, let bothSides):
      guard addSpecialTokens else { return parts }
      return parts.enumerated().map { index, ids in
        index == 0 ? [first] + ids + [last] : (bothSides ? [last] : []) + ids + [last]
      }
    }
  }

  /// How many tokens a single text gets.
  var addedCount: Int {
    switch self {
    case .sequence(let steps): steps.reduce(0) { $0 + $1.addedCount }
    case .byteLevel: 0
    case .template(let template):
      template.single.reduce(0) { count, item in
        if case .special(let ids) = item { count + ids.count } else { count }
      }
    case .surround: 2
    }
  }
}

extension PostProcessor {
  init(_ json: JSONValue) throws(TokenizerError) {
    let part = try PipelinePart(json, kind: "post-processor")
    switch part.type {
    case "Sequence":
      var steps: [PostProcessor] = []
      for element in try part.array("processors") { steps.append(try PostProcessor(element)) }
      self = .sequence(steps)
    case "ByteLevel": self = .byteLevel
    case "BertProcessing", "RobertaProcessing":
      self = .surround(
        first: try Self.tokenID("cls", part), last: try Self.tokenID("sep", part),
        bothSides: part.type == "RobertaProcessing")
    case "TemplateProcessing":
      let special = part["special_tokens"]?.object ?? JSONObject()
      self = .template(
        Template(
          single: try Self.items("single", part, special, parts: 1),
          pair: try Self.items("pair", part, special, parts: 2)))
    default: throw part.unsupported
    }
  }

  /// `["token", id]`.
  private static func tokenID(_ field: String, _ part: PipelinePart) throws(TokenizerError) -> Int32 {
    guard let id = part[field]?[1]?.int.flatMap(Int32.init(exactly:)), id >= 0 else {
      throw part.missing(field, "[\"token\", id]")
    }
    return id
  }

  private static func items(_ field: String, _ part: PipelinePart, _ special: JSONObject, parts: Int)
    throws(TokenizerError) -> [Template.Item]
  {
    var items: [Template.Item] = []
    for element in try part.array(field) {
      if let sequence = element["Sequence"]?["id"]?.string {
        guard sequence == "A" || (sequence == "B" && parts == 2) else {
          throw TokenizerError(
            "\(part.name) names the text \"\(sequence)\" in \"\(field)\", which there is not")
        }
        items.append(.text(sequence == "A" ? 0 : 1))
      } else if let name = element["SpecialToken"]?["id"]?.string {
        guard let list = special[name]?["ids"]?.array else {
          throw TokenizerError("\(part.name) uses \"\(name)\", which is missing in its special_tokens")
        }
        var ids: [Int32] = []
        for value in list {
          guard let id = value.int.flatMap(Int32.init(exactly:)), id >= 0 else {
            throw part.missing("ids", "token ids")
          }
          ids.append(id)
        }
        items.append(.special(ids))
      } else {
        throw part.missing(field, "a list of Sequence and SpecialToken")
      }
    }
    return items
  }
}
