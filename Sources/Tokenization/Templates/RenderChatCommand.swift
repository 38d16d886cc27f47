internal import Parsing

/// The command `render-chat`: one JSON request a line in, the text as one JSON string a line out.
package struct RenderChatCommand: Sendable {
  private let templates: ChatTemplateSet

  /// For a model directory's templates and special tokens.
  package init(_ templates: ChatTemplateSet) { self.templates = templates }

  /// For one template alone.
  package init(_ template: ChatTemplate) {
    templates = ChatTemplateSet(templates: ["default": .success(template)], specialTokens: JSONObject())
  }

  /// Answers one line with a JSON string, or with `{"error":"sentence"}` when it cannot be rendered; never fails.
  ///
  /// `now` is the clock for lines that do not fix their own.
  package func respond(to line: [UInt8], now: TemplateTime) -> [UInt8] {
    do throws(TemplateError) {
      return JSONWriter.bytes(.string(try render(try Self.request(line), now: now)))
    } catch {
      return JSONWriter.bytes(.object(JSONObject([(key: "error", value: .string(error.description))])))
    }
  }

  private static func request(_ line: [UInt8]) throws(TemplateError) -> JSONValue {
    do throws(ParseError) {
      return try JSONReader.parse(line)
    } catch {
      throw TemplateError(.request, "the line is not a JSON object: \(error)")
    }
  }

  package func respond(to line: String, now: TemplateTime) -> String {
    String(decoding: respond(to: Array(line.utf8), now: now), as: UTF8.self)
  }

  private func render(_ request: JSONValue, now: TemplateTime) throws(TemplateError) -> String {
    guard let object = request.object else {
      throw TemplateError(.request, "the line must be a JSON object, not \(request.kindName)")
    }
    guard let messages = object["messages"] else {
      throw TemplateError(.request, "the line has no \"messages\"")
    }
    let tools = object["tools"] ?? .null
    guard tools.isNull || tools.array != nil else {
      throw TemplateError(.request, "\"tools\" must be an array or null, not \(tools.kindName)")
    }
    let given = try members(object, "variables")
    let request = ChatTemplate.Request(
      messages: messages, tools: tools, addGenerationPrompt: try flag(object, "add_generation_prompt"),
      continueFinalMessage: try continuedField(object),
      variables: JSONObject(templates.specialTokens.members + given.members),
      kwargs: try members(object, "kwargs"), now: try clock(object) ?? now)
    return try templates.template(hasTools: !tools.isNull).render(request)
  }

  private func flag(_ object: JSONObject, _ name: String) throws(TemplateError) -> Bool {
    switch object[name] {
    case .none, .some(.null): return false
    case .some(.bool(let value)): return value
    case .some(let other):
      throw TemplateError(.request, "\"\(name)\" must be a boolean, not \(other.kindName)")
    }
  }

  /// `true` stands for the field "content"; a string names another one.
  private func continuedField(_ object: JSONObject) throws(TemplateError) -> String? {
    if let field = object["continue_final_message"]?.string { return field }
    return try flag(object, "continue_final_message") ? "content" : nil
  }

  private func members(_ object: JSONObject, _ name: String) throws(TemplateError) -> JSONObject {
    switch object[name] {
    case .none, .some(.null): return JSONObject()
    case .some(.object(let members)): return members
    case .some(let other):
      throw TemplateError(.request, "\"\(name)\" must be an object, not \(other.kindName)")
    }
  }

  private func clock(_ object: JSONObject) throws(TemplateError) -> TemplateTime? {
    switch object["now"] {
    case .none, .some(.null): return nil
    case .some(.string(let text)):
      if let time = TemplateTime(iso8601: text) { return time }
      throw TemplateError(.request, "\"now\" must be a time such as 2026-03-04T17:06:07, not \"\(text)\"")
    case .some(let other): throw TemplateError(.request, "\"now\" must be a string, not \(other.kindName)")
    }
  }
}
