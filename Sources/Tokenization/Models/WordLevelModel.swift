import Parsing

/// Whole words only; one unknown token for all the others.
final class WordLevelModel: Sendable {
  let vocabulary: Vocabulary
  private let unknownToken: String
  private let unknownID: Int32?

  init(_ json: JSONObject) throws(TokenizerError) {
    guard let object = json["vocab"]?.object, let unknown = json["unk_token"]?.string else {
      throw TokenizerError("the WordLevel model needs \"vocab\" and \"unk_token\"")
    }
    vocabulary = try Vocabulary(object, place: "the WordLevel model")
    unknownToken = unknown
    unknownID = vocabulary.id(of: unknown.utf8Span.span)
  }

  func encode(_ text: [UInt8], range: Range<Int>, into ids: inout [Int32]) throws(TokenizerError) {
    guard let id = vocabulary.id(of: text.span.extracting(range)) ?? unknownID else {
      throw TokenizerError(
        "the text needs the unknown token \"\(unknownToken)\", which is not in the vocabulary")
    }
    ids.append(id)
  }
}
