package import Parsing

/// The chat template of a model: turns messages and tools into the text the model was trained on.
///
/// A Jinja template as Hugging Face ships it (`chat_template.jinja`, or in `tokenizer_config.json`), run with the results
/// of Jinja2's immutable sandbox with `trim_blocks` and `lstrip_blocks`, the tags `break`, `continue` and `generation`,
/// and the functions `raise_exception` and `strftime_now`. Reading a template costs about a millisecond, a rendering
/// some tens of microseconds a message; both are bounded by `TemplateLimits`, since the template is not trusted.
package struct ChatTemplate: Sendable {
  package let source: String
  private let body: TemplateBody
  private let placeCount: Int
  private let limits: TemplateLimits

  /// Throws what is wrong with the template, with its line.
  package init(source: String, limits: TemplateLimits = .default) throws(TemplateError) {
    self.source = source
    self.limits = limits
    var parser = try TemplateParser(source, limits: limits)
    (body, placeCount) = try ScopeResolver.resolve(try parser.parse())
  }

  /// What one rendering is about.
  package struct Request: Sendable {
    package var messages: JSONValue
    /// An array of tool schemas; nil or null for none.
    package var tools: JSONValue?
    /// Whether the text ends with the header of an answer.
    package var addGenerationPrompt: Bool
    /// The field of the final message that the model is to go on with, usually "content"; nil for a new message.
    package var continueFinalMessage: String?
    /// Special tokens by name (`bos_token`...).
    package var variables: JSONObject
    /// Further variables; they win over `variables`.
    package var kwargs: JSONObject
    /// What `strftime_now` formats.
    package var now: TemplateTime

    package init(
      messages: JSONValue, tools: JSONValue? = nil, addGenerationPrompt: Bool = false,
      continueFinalMessage: String? = nil, variables: JSONObject = JSONObject(),
      kwargs: JSONObject = JSONObject(),
      now: TemplateTime
    ) {
      self.messages = messages
      self.tools = tools
      self.addGenerationPrompt = addGenerationPrompt
      self.continueFinalMessage = continueFinalMessage
      self.variables = variables
      self.kwargs = kwargs
      self.now = now
    }
  }

  /// The text for a conversation; with `continueFinalMessage` it ends right after the final message's content.
  package func render(
    messages: JSONValue, tools: JSONValue? = nil, addGenerationPrompt: Bool = false,
    continueFinalMessage: Bool = false, variables: JSONObject = JSONObject(),
    kwargs: JSONObject = JSONObject(),
    now: TemplateTime
  ) throws(TemplateError) -> String {
    try render(
      Request(
        messages: messages, tools: tools, addGenerationPrompt: addGenerationPrompt,
        continueFinalMessage: continueFinalMessage ? "content" : nil, variables: variables, kwargs: kwargs,
        now: now))
  }

  package func render(_ request: Request) throws(TemplateError) -> String {
    var conversation = try Conversation(request.messages)
    var continuation: Continuation?
    if let field = request.continueFinalMessage {
      guard !request.addGenerationPrompt else {
        throw TemplateError(
          .request,
          "continue_final_message and add_generation_prompt cannot both be true: one goes on with the final message, the other starts a new one"
        )
      }
      continuation = try conversation.mark(field, templateSource: TemplateText(source))
    }
    var context: [TemplateText: TemplateValue] = ["documents": .null]
    for member in request.variables.members {
      context[TemplateText(member.key)] = TemplateValue(member.value)
    }
    context["messages"] = conversation.value
    context["tools"] = request.tools.map(TemplateValue.init) ?? .null
    context["add_generation_prompt"] = .bool(request.addGenerationPrompt)
    for member in request.kwargs.members { context[TemplateText(member.key)] = TemplateValue(member.value) }
    let text = try run(context, now: request.now)
    return try continuation?.cut(text).string ?? text.string
  }

  private func run(_ context: [TemplateText: TemplateValue], now: TemplateTime) throws(TemplateError)
    -> TemplateText
  {
    try TemplateRenderer(placeCount: placeCount, context: context, now: now, limits: limits).render(body)
  }
}
