import Foundation
import Parsing
import Testing

@testable import Tokenization

/// Every recorded rendering of the reference, byte for byte.
@Suite struct ChatTemplateGoldenTests {
  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures/chat_templates")

  static func json(_ path: String) throws -> JSONValue {
    try JSONReader.parse(Array(try Data(contentsOf: fixtures.appending(path: path))))
  }

  /// Renders one case with the command's own reading of requests; nil when it is as recorded.
  static func difference(_ fields: JSONValue, expected: String?, _ command: RenderChatCommand) throws
    -> String?
  {
    let now = try #require(TemplateTime(iso8601: fields["now"]?.string ?? "2026-03-04T17:06:07"))
    let answer = try JSONReader.parse(command.respond(to: JSONWriter.bytes(fields), now: now))
    if let expected {
      guard let text = answer.string, text.hasSameBytes(as: expected) else {
        return "got \(answer), not \(expected)"
      }
      return nil
    }
    guard let sentence = answer["error"]?.string else { return "got \(answer) where an error is due" }
    guard fields["error_type"]?.string == "TemplateError" else { return nil }
    let message = try #require(fields["error"]?.string)
    return sentence.contains(message) && sentence.contains("line ")
      ? nil : "error '\(sentence)', not '\(message)'"
  }

  @Test(arguments: ["chatml", "features", "gemma", "llama3", "mistral", "qwen3"])
  func recordedTemplate(name: String) throws {
    let source = try String(
      decoding: Data(contentsOf: Self.fixtures.appending(path: "\(name)/chat_template.jinja")), as: UTF8.self)
    let command = RenderChatCommand(try ChatTemplate(source: source))
    let cases = try #require(try Self.json("\(name)/cases.json")["cases"]?.array)
    for fields in cases {
      let difference = try Self.difference(fields, expected: fields["expected"]?.string, command)
      #expect(difference == nil, "\(fields["id"]?.string ?? name)")
    }
    print("chat template \(name): \(cases.count) cases")
  }

  @Test func recordedFeatures() throws {
    let json = try Self.json("micro/cases.json")
    let cases = try #require(json.array ?? json["cases"]?.array)
    for fields in cases {
      let id = fields["id"]?.string ?? "?"
      do {
        let template = try ChatTemplate(source: try #require(fields["template"]?.string))
        let difference = try Self.difference(
          fields, expected: fields["expected"]?.string, RenderChatCommand(template))
        #expect(difference == nil, "\(id)")
      } catch let error as TemplateError {
        #expect(fields["expected"] == nil, "\(id): \(error)")
        #expect(error.line != nil, "\(id): \(error)")
      }
    }
    print("chat template features: \(cases.count) cases")
  }

  @Test(arguments: ["gemma-spm", "llama2-spm", "llama3", "qwen2"])
  func recordedModelDirectory(kind: String) throws {
    let directory = Self.fixtures.appending(path: "models/\(kind)").path(percentEncoded: false)
    let command = RenderChatCommand(try ChatTemplate.load(directory: directory))
    let cases = try #require(try Self.json("models/\(kind)/chat.json")["cases"]?.array)
    for fields in cases {
      let difference = try Self.difference(fields, expected: fields["rendered"]?.string, command)
      #expect(difference == nil, "\(fields["id"]?.string ?? kind)")
    }
    print("chat template of model directory \(kind): \(cases.count) cases")
  }
}
