import FuzzSupport
import Parsing
import Tokenization

// Any template either is refused with a sentence or renders within its bounds, and does so twice alike.
//
//   FUZZ=1 swift run --build-path .build-fuzz FuzzTemplate -max_len=512 -max_total_time=60

let conversation: JSONValue = [
  ["role": "system", "content": " s\n"],
  ["role": "user", "content": [["type": "text", "text": "é👍🏽"], ["type": "image"]]],
  [
    "role": "assistant", "content": "a</think>b",
    "tool_calls": [["function": ["name": "f", "arguments": ["x": 1.5]]]],
  ],
]
let variables = JSONObject([
  (key: "l", value: [3, 1, 2, .null]), (key: "d", value: ["k": ["v", true], "x": -7]),
  (key: "s", value: "a B-c\td"),
])

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  guard let source = String(validating: bytes, as: UTF8.self) else { return 0 }
  var limits = TemplateLimits()
  limits.maxSteps = 20_000
  limits.maxAllocatedBytes = 4 << 20
  limits.maxTextBytes = 1 << 20
  let first = render(source, limits)
  // WHY: rendering has no memory; only the clock may end one of two alike renderings earlier.
  precondition(first.count <= 4 * limits.maxTextBytes)
  if count % 16 == 0 { precondition(render(source, limits) == first) }
  return 0
}

func render(_ source: String, _ limits: TemplateLimits) -> String {
  do {
    let template = try ChatTemplate(source: source, limits: limits)
    return try template.render(
      messages: conversation, tools: [["type": "function"]], addGenerationPrompt: true, variables: variables,
      now: TemplateTime(secondsSince1970: 1_772_643_967))
  } catch {
    return "\(error)"
  }
}

unsafe fuzz(fuzzOneInput)
