package import Foundation
package import Parsing
package import Tokenization
package import Wire

/// Why a message cannot be answered: one sentence; the conversation is as before.
package struct ChatError: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// A conversation and how it becomes a prompt: the model's template over all messages so far.
///
/// When the conversation outgrows the model's length, its oldest questions and answers are left out; the system
/// prompt stays.
package struct ChatSession: Sendable {
  package struct Message: Sendable, Hashable {
    package var role: String
    package var content: String
  }

  /// What the model is to read for its next answer.
  package struct Prompt: Sendable, Hashable {
    package var tokens: [TokenID]
    /// Messages that no longer fit and were dropped for good.
    package var numForgotten: Int
  }

  /// The instructions before everything else; empty for none.
  package var system: String
  /// Questions and answers, oldest first.
  package private(set) var messages: [Message] = []

  private let templates: ChatTemplateSet
  private let tokenizer: Tokenizer
  private let variables: JSONObject
  /// Longest prompt and answer together.
  private let maxTokens: Int

  /// - Parameters:
  ///   - variables: given to the template besides messages and special tokens, such as `enable_thinking`.
  ///   - maxTokens: longest prompt and answer together.
  package init(
    templates: ChatTemplateSet, tokenizer: Tokenizer, variables: JSONObject = JSONObject(),
    system: String = "",
    maxTokens: Int
  ) {
    self.templates = templates
    self.tokenizer = tokenizer
    self.variables = variables
    self.system = system
    self.maxTokens = maxTokens
  }

  /// The token that ends the model's turn by its tokenizer configuration, if it names one.
  package var endOfTurn: TokenID? {
    guard let name = templates.specialTokens["eos_token"]?.string else { return nil }
    return tokenizer.tokenToID(name).map { TokenID(rawValue: $0) }
  }

  /// Adds a question and says what the model is to read; a question that cannot be asked is not kept.
  package mutating func ask(_ question: String, now: Date) throws(ChatError) -> Prompt {
    let before = messages
    messages.append(Message(role: "user", content: question))
    do throws(ChatError) {
      return try fittingPrompt(now)
    } catch {
      messages = before
      throw error
    }
  }

  /// Adds what the model has answered; an answer without any text takes its question away with it.
  package mutating func keep(answer: String) {
    if answer.isEmpty {
      messages.removeLast()
    } else {
      messages.append(Message(role: "assistant", content: answer))
    }
  }

  /// Forgets everything but the system prompt.
  package mutating func reset() { messages = [] }

  /// Takes the last question and its answer back; nil when there is none.
  package mutating func undo() -> String? {
    guard let place = messages.lastIndex(where: { $0.role == "user" }) else { return nil }
    defer { messages.removeSubrange(place...) }
    return messages[place].content
  }

  /// System prompt and messages, as the template gets them.
  package var transcript: JSONValue {
    let first = system.isEmpty ? [] : [Message(role: "system", content: system)]
    return .array(
      (first + messages).map { .members(["role": .string($0.role), "content": .string($0.content)]) })
  }

  private mutating func fittingPrompt(_ now: Date) throws(ChatError) -> Prompt {
    let room = max(1, min(256, maxTokens / 4))
    var forgotten = 0
    while true {
      let tokens = try tokens(now)
      if tokens.count + room <= maxTokens { return Prompt(tokens: tokens, numForgotten: forgotten) }
      guard messages.count > 2 else {
        if tokens.count < maxTokens { return Prompt(tokens: tokens, numForgotten: forgotten) }
        throw ChatError(
          "the message comes to \(tokens.count) tokens with its template; this run takes at most \(maxTokens) together"
            + " with the answer; shorten it or raise --max-model-len")
      }
      messages.removeSubrange(..<2)
      forgotten += 2
    }
  }

  private func tokens(_ now: Date) throws(ChatError) -> [TokenID] {
    let clock = TemplateTime(
      secondsSince1970: Int(now.timeIntervalSince1970),
      utcOffsetSeconds: TimeZone.current.secondsFromGMT(for: now))
    do {
      let request = ChatTemplate.Request(
        messages: transcript, tools: .null, addGenerationPrompt: true, variables: templates.specialTokens,
        kwargs: variables, now: clock)
      let text = try templates.template(hasTools: false).render(request)
      // The template writes the special tokens itself.
      return try tokenizer.encode(text, addSpecialTokens: false).map { TokenID(rawValue: $0) }
    } catch {
      throw ChatError("\(error)")
    }
  }
}
