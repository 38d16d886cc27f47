import Foundation
import Parsing
import Testing

@testable import Tokenization

@Suite struct ChatTemplateTests {
  static let now = TemplateTime(secondsSince1970: 1_772_643_967)

  static func render(_ source: String, _ kwargs: JSONObject = JSONObject(), limits: TemplateLimits = .default)
    throws -> String
  {
    try ChatTemplate(source: source, limits: limits).render(
      messages: [["role": "user", "content": "hi"]], kwargs: kwargs, now: now)
  }

  static func error(_ source: String, limits: TemplateLimits = .default) -> TemplateError? {
    do {
      _ = try render(source, limits: limits)
      return nil
    } catch {
      return error as? TemplateError
    }
  }

  @Test func errorsNameTheLine() {
    #expect(Self.error("a\n\n{{ nope.x }}")?.description == "chat template, line 3: 'nope' is undefined")
    #expect(Self.error("{% if x %}\n{% for y in z %}")?.line == 2)
    #expect(Self.error("{{ raise_exception('no tools here') }}")?.message == "no tools here")
    #expect(
      Self.error("\n{{ 1 | nosuch }}")?.description == "chat template, line 2: No filter named 'nosuch'.")
    #expect(Self.error("{% break %}")?.kind == .syntax)
  }

  @Test func sandboxRefusesToChangeValues() {
    #expect(Self.error("{% set x = [1] %}{{ x.append(2) }}")?.kind == .security)
    #expect(Self.error("{{ {}.update({}) }}")?.kind == .security)
    #expect(Self.error("{% set n = namespace(_x=1) %}")?.kind == .security)
    #expect(Self.error("{{ ''.__class__.mro() }}")?.kind == .security)
  }

  /// Each of these would never end, or fill the memory, without its bound.
  @Test(arguments: [
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    "{{ 'x' * 1000000000000 }}",
    "{{ [0] * 10000000000 }}",
    "{% set n = namespace(x='x') %}{% for i in range(100) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set n = namespace(x=[]) %}{% for i in range(100000) %}{% set n.x = [n.x] %}{% endfor %}",
    "{% set n = namespace(x=[]) %}{% for i in range(100) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=(1,)) %}{% for i in range(99) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ {n.x: 1} }}",
    "{% set n = namespace(x='') %}{% for i in range(9999) %}{% set n.x = n.x | map('upper') %}{% endfor %}{{ 'x'.center(10**12) }}",
    "{% set n = namespace() %}{% set n.x = n %}{{ n }}",
    "{{ '%999999999999d' % 1 }}",
    "{{ '{:999999999999}'.format(1) }}",
    "{{ range(10**18) }}",
    "{{ 10 ** 100 }}",
  ])
  func hostileTemplateIsBounded(source: String) {
    var limits = TemplateLimits()
    limits.maxSteps = 500_000
    limits.maxAllocatedBytes = 16 << 20
    #expect(Self.error(source, limits: limits) != nil, "\(source.prefix(60))")
  }

  @Test func deepSourceIsRefused() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{1:", "}"), ("-", ""), ("not ", "")] {
      let source =
        "{{ " + String(repeating: open, count: 100_000) + "1" + String(repeating: close, count: 100_000)
        + " }}"
      #expect(Self.error(source)?.kind == .limit)
    }
    #expect(Self.error("{{ 1" + String(repeating: " + 1", count: 100_000) + " }}")?.kind == .limit)
    #expect(Self.error("{{ x" + String(repeating: ".x", count: 100_000) + " }}")?.kind == .limit)
    #expect(Self.error(String(repeating: "{% if 1 %}", count: 100_000))?.kind == .limit)
  }

  @Test func toolTemplateIsChosenForTools() throws {
    let config: JSONValue = [
      "chat_template": [
        ["name": "default", "template": "plain"], ["name": "tool_use", "template": "tools"],
        ["name": "broken", "template": "{% if"],
      ]
    ]
    let directory = FileManager.default.temporaryDirectory.appending(
      path: "chat-template-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try Data(JSONWriter.bytes(config)).write(to: directory.appending(path: "tokenizer_config.json"))
    let command = RenderChatCommand(try ChatTemplate.load(directory: directory.path(percentEncoded: false)))
    let messages = #""messages":[{"role":"user","content":"x"}]"#
    #expect(command.respond(to: "{\(messages)}", now: Self.now) == #""plain""#)
    #expect(command.respond(to: "{\(messages),\"tools\":[]}", now: Self.now) == #""tools""#)
    try Data("file".utf8).write(to: directory.appending(path: "chat_template.jinja"))
    let file = RenderChatCommand(try ChatTemplate.load(directory: directory.path(percentEncoded: false)))
    #expect(file.respond(to: "{\(messages),\"tools\":[]}", now: Self.now) == #""file""#)
  }

  @Test func commandAnswersEveryLine() throws {
    let command = RenderChatCommand(try ChatTemplate(source: "{{ messages[0].content }}{{ a }}"))
    for line in [
      "", "[]", "{", "{}", #"{"messages":[]}"#, #"{"messages":[1]}"#, #"{"messages":[{}],"now":"x"}"#,
    ] {
      #expect(command.respond(to: line, now: Self.now).hasPrefix(#"{"error":""#), "\(line)")
    }
    let line = #"{"messages":[{"content":"é"}],"variables":{"a":1},"kwargs":{"a":2}}"#
    #expect(command.respond(to: line, now: Self.now) == #""é2""#)
  }

  @Test func timeIsFormatted() throws {
    let time = try #require(TemplateTime(iso8601: "2024-12-30T00:05:09.25"))
    #expect(
      time.formatted("%Y-%m-%d %H:%M:%S.%f %j %a %B %-d/%-m %I%p %G-W%V %U %W %u %e %%")
        == "2024-12-30 00:05:09.250000 365 Mon December 30/12 12AM 2025-W01 52 53 1 30 %")
    #expect(Self.now.formatted("%F %T %A") == "2026-03-04 17:06:07 Wednesday")
    // Flags, widths and modifiers, as recorded from the reference.
    #expect(
      Self.now.formatted("%5a|%05d|%-5d|%_m|%^b|%Oy|%EY|%#p|%^P|%s|%5%|%-f|%q")
        == "  Wed|00004|    4| 3|MAR|26|2026|pm|pm|1772643967|    %|%-f|%q")
    #expect(
      TemplateTime(secondsSince1970: 951_827_696, utcOffsetSeconds: 3600).formatted("%F %T")
        == "2000-02-29 13:34:56")
  }

  @Test func textsAreCutAsInTheReference() throws {
    #expect(try Self.render("{{ [1, 2] | truncate(5) }}") == "[1, 2]")
    #expect(Self.error("{{ range(20) | list | truncate(9) }}")?.kind == .value)
    #expect(try Self.render("{{ 'it is <b>fine</b>' | wordwrap(6) }}") == "it is \n<b>fin\ne</b>")
  }

  /// Strings are code points: a combining accent is its own element, and equality is that of bytes.
  @Test func stringsAreCodePoints() throws {
    let kwargs: JSONObject = JSONObject([(key: "s", value: "e\u{301}👩‍👩‍👧")])
    #expect(
      try Self.render("{{ s | length }} {{ s[0] }} {{ s == 'é' }} {{ s[:2] == 'é' }}", kwargs)
        == "7 e False False")
  }
}
