internal import FoundationEssentials
package import Parsing

/// The chat templates of a model directory and the special tokens they can name.
package struct ChatTemplateSet: Sendable {
  /// By name; a model with one template has it as "default". One that cannot be read does harm only when it is used.
  package let templates: [String: Result<ChatTemplate, TemplateError>]

  /// `bos_token`, `eos_token` and the like.
  package let specialTokens: JSONObject

  package init(templates: [String: Result<ChatTemplate, TemplateError>], specialTokens: JSONObject) {
    self.templates = templates
    self.specialTokens = specialTokens
  }

  /// The template for a request: the one named "tool_use" when there are tools, else "default".
  package func template(hasTools: Bool) throws(TemplateError) -> ChatTemplate {
    if hasTools, let template = templates["tool_use"] { return try template.get() }
    if let template = templates["default"] { return try template.get() }
    let names = templates.keys.sorted().joined(separator: ", ")
    throw TemplateError(
      .request,
      templates.isEmpty
        ? "the model has no chat template; give one as chat_template.jinja"
        : "the model has no default chat template, only: \(names)")
  }
}

extension ChatTemplate {
  /// Longest configuration file that is read.
  private static let maxFileBytes = 64 << 20

  /// Reads the templates of a model directory: `chat_template.jinja` and `additional_chat_templates/*.jinja` when there
  /// are any, else the string or named list in `tokenizer_config.json`.
  package static func load(directory: String, limits: TemplateLimits = .default) throws(TemplateError)
    -> ChatTemplateSet
  {
    let config = try json(directory + "/tokenizer_config.json")
    let map = try json(directory + "/special_tokens_map.json")
    var templates: [String: Result<ChatTemplate, TemplateError>] = [:]
    for (name, path) in templateFiles(directory) {
      guard let bytes = try contents(path) else { continue }
      guard let source = String(validating: bytes, as: UTF8.self) else {
        throw TemplateError(.request, "\(path) is not valid UTF-8")
      }
      templates[name] = read(source, limits)
    }
    if templates.isEmpty, let config { templates = try embedded(config, limits: limits) }
    return ChatTemplateSet(templates: templates, specialTokens: specialTokens(config: config, map: map))
  }

  private static func read(_ source: String, _ limits: TemplateLimits) -> Result<ChatTemplate, TemplateError>
  {
    do throws(TemplateError) {
      return .success(try ChatTemplate(source: source, limits: limits))
    } catch {
      return .failure(error)
    }
  }

  private static func templateFiles(_ directory: String) -> [(name: String, path: String)] {
    var files = [(name: "default", path: directory + "/chat_template.jinja")]
    let folder = directory + "/additional_chat_templates"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted() where name.hasSuffix(".jinja") {
      files.append((String(name.dropLast(6)), "\(folder)/\(name)"))
    }
    return files
  }

  private static func contents(_ path: String) throws(TemplateError) -> [UInt8]? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw TemplateError(.request, "\(path) cannot be read")
    }
    guard data.count <= maxFileBytes else {
      throw TemplateError(.request, "\(path) has \(data.count) bytes, more than the \(maxFileBytes) allowed")
    }
    return Array(data)
  }

  private static func json(_ path: String) throws(TemplateError) -> JSONValue? {
    guard let bytes = try contents(path) else { return nil }
    do {
      return try JSONReader.parse(bytes)
    } catch {
      throw TemplateError(.request, "\(path): \(error)")
    }
  }

  private static func embedded(_ config: JSONValue, limits: TemplateLimits) throws(TemplateError)
    -> [String: Result<ChatTemplate, TemplateError>]
  {
    switch config["chat_template"] {
    case .none, .some(.null): return [:]
    case .some(.string(let source)): return ["default": read(source, limits)]
    case .some(.array(let list)):
      var templates: [String: Result<ChatTemplate, TemplateError>] = [:]
      for (index, entry) in list.enumerated() {
        guard let name = entry["name"]?.string, let source = entry["template"]?.string else {
          throw TemplateError(
            .request,
            "chat_template \(index) of tokenizer_config.json must have the strings 'name' and 'template'")
        }
        templates[name] = read(source, limits)
      }
      return templates
    case .some(let other):
      throw TemplateError(
        .request, "chat_template of tokenizer_config.json must be a string or an array, not \(other.kindName)"
      )
    }
  }

  /// Special tokens by name, from strings and from objects with a "content".
  ///
  /// `special_tokens_map.json` counts only, and then wins, when the configuration has no `added_tokens_decoder`.
  package static func specialTokens(config: JSONValue?, map: JSONValue?) -> JSONObject {
    var tokens: [(key: String, value: JSONValue)] = []
    func add(_ object: JSONObject?) {
      for member in object?.members ?? [] {
        if member.key.hasSameBytes(as: "extra_special_tokens"), let named = member.value.object {
          for (name, token) in named.members {
            if let text = content(token) { tokens.append((name, .string(text))) }
          }
        } else if member.key.hasSuffix("_token"), let text = content(member.value) {
          tokens.append((member.key, .string(text)))
        }
      }
    }
    add(config?.object)
    if config?["added_tokens_decoder"] == nil { add(map?.object) }
    return JSONObject(tokens)
  }

  private static func content(_ token: JSONValue) -> String? { token.string ?? token["content"]?.string }
}
