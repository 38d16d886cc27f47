internal import Parsing

/// Messages as a template sees them: null members dropped, reasoning under every name that templates use.
struct Conversation {
  private var messages: [[(key: TemplateText, value: TemplateValue)]] = []

  /// Names of a message's reasoning, the usual one first.
  private static let reasoningFields: [TemplateText] = ["reasoning_content", "thinking", "reasoning"]

  init(_ json: JSONValue) throws(TemplateError) {
    guard let array = json.array else {
      throw TemplateError(.request, "messages must be an array of objects, not \(json.kindName)")
    }
    guard !array.isEmpty else {
      throw TemplateError(.request, "a chat template needs at least one message")
    }
    for (index, element) in array.enumerated() {
      guard let object = element.object else {
        throw TemplateError(.request, "message \(index) must be an object, not \(element.kindName)")
      }
      messages.append(Self.members(object))
    }
  }

  private static func members(_ object: JSONObject) -> [(key: TemplateText, value: TemplateValue)] {
    var builder = TemplateMappingBuilder()
    for member in object.members where !member.value.isNull {
      builder.set(TemplateText(member.key), TemplateValue(member.value))
    }
    func value(_ name: TemplateText) -> TemplateValue? {
      zip(builder.keys, builder.values).first { $0.0.text == name }?.1
    }
    if let reasoning = reasoningFields.lazy.compactMap({ value($0) }).first {
      var aliased = TemplateMappingBuilder()
      aliased.set("thinking", reasoning)
      for (key, value) in zip(builder.keys, builder.values) {
        if let key = key.text { aliased.set(key, value) }
      }
      aliased.set("reasoning_content", reasoning)
      builder = aliased
    }
    return zip(builder.keys, builder.values).compactMap { key, value in
      key.text.map { (key: $0, value: value) }
    }
  }

  var value: TemplateValue {
    .array(
      messages.map { members in
        var builder = TemplateMappingBuilder()
        for member in members { builder.set(member.key, member.value) }
        return .dict(TemplateMapping(builder))
      })
  }

  /// Adds a tag to the text of the final message, by which its end is found in the rendered text.
  mutating func mark(_ fieldName: String, templateSource: TemplateText) throws(TemplateError) -> Continuation
  {
    let field = TemplateText(fieldName)
    var final = messages[messages.count - 1]
    guard let content = final.first(where: { $0.key == field })?.value else {
      throw TemplateError(
        .request, "continue_final_message is set but the final message has no \"\(fieldName)\" to continue")
    }
    var fields = [field]
    if Self.reasoningFields.contains(field) {
      fields = Self.reasoningFields.filter { name in
        final.contains { $0.key == name && $0.value.text == content.text && content.text != nil }
      }
    }
    guard fields.contains(where: { templateSource.contains($0) }) else {
      throw TemplateError(
        .request,
        "continue_final_message is set to \"\(fieldName)\", a field that the chat template does not read")
    }
    let (text, marked) = try Continuation.mark(content)
    for index in final.indices where fields.contains(final[index].key) { final[index].value = marked }
    messages[messages.count - 1] = final
    return Continuation(text: text)
  }
}

/// Cuts a rendered text right after the text of the final message.
struct Continuation {
  private static let tag: TemplateText = "CONTINUE_FINAL_MESSAGE_TAG "
  private static let bareTag: TemplateText = "CONTINUE_FINAL_MESSAGE_TAG"

  let text: TemplateText

  /// The text to continue (the last text part of a content of parts) and the content with the tag after it.
  static func mark(_ content: TemplateValue) throws(TemplateError) -> (TemplateText, TemplateValue) {
    switch content {
    case .text(let text): return (text, .text(text + tag))
    case .list(let parts):
      for (index, part) in parts.items.enumerated().reversed() {
        guard case .dict(let block) = part, case .text(let text) = block["text"] else { continue }
        var builder = try TemplateMappingBuilder(block)
        builder.set("text", .text(text + tag))
        var items = parts.items
        items[index] = .dict(TemplateMapping(builder))
        return (text, .array(items))
      }
      throw TemplateError(
        .request, "continue_final_message is set but the final message has no text part to continue")
    default:
      throw TemplateError(
        .request,
        "continue_final_message is set but the final message's content is of type \(content.typeName)")
    }
  }

  func cut(_ rendered: TemplateText) throws(TemplateError) -> TemplateText {
    guard rendered.contains(text.strippedWhitespace()), let end = rendered.lastOffset(of: Self.bareTag) else {
      throw TemplateError(
        .request,
        "continue_final_message is set but the final message does not appear in the text that the chat template makes"
      )
    }
    let head = TemplateText(rendered.utf8[..<end])
    let isWhole = rendered.utf8[end...].starts(with: Self.tag.utf8)
    // WHY: a template that trims the message has taken the tag's space too; then the text before it was not trimmed yet.
    return isWhole ? head : head.strippedWhitespace(left: false)
  }
}
