import Parsing
import Testing

@Suite("JSON writer")
struct JSONWriterTests {
  @Test(
    "doubles are written as Python writes them",
    arguments: [
      (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (-1.5, "-1.5"), (0.1, "0.1"), (100.0, "100.0"),
      (1e15, "1000000000000000.0"),
      (1e16, "1e+16"), (1.5e16, "1.5e+16"), (9007199254740994.0, "9007199254740994.0"), (1e-4, "0.0001"),
      (1e-5, "1e-05"),
      (1.25e-7, "1.25e-07"), (1e100, "1e+100"), (.leastNonzeroMagnitude, "5e-324"),
      (1.7976931348623157e308, "1.7976931348623157e+308"),
      (123456.789, "123456.789"), (.infinity, "Infinity"), (-.infinity, "-Infinity"), (.nan, "NaN"),
    ] as [(Double, String)])
  func numbers(value: Double, text: String) {
    #expect(JSONWriter.string(.number(value)) == text)
  }

  @Test("layouts are those of json.dumps")
  func layouts() {
    let value: JSONValue = ["b": [1, 2.5, []], "a": ["x": .null, "é": "😀\u{7F}\u{1}\"\\"], "c": [:]]
    #expect(JSONWriter.string(value) == #"{"b":[1,2.5,[]],"a":{"x":null,"é":"😀\#u{7F}\u0001\"\\"},"c":{}}"#)
    #expect(
      JSONWriter.string(value, options: .spaced)
        == #"{"b": [1, 2.5, []], "a": {"x": null, "é": "😀\#u{7F}\u0001\"\\"}, "c": {}}"#)
    #expect(
      JSONWriter.string(value, options: .init(ensureASCII: true, sortedKeys: true))
        == #"{"a":{"x":null,"\u00e9":"\ud83d\ude00\u007f\u0001\"\\"},"b":[1,2.5,[]],"c":{}}"#)
    #expect(
      JSONWriter.string(["a": [1, ["b": true]], "e": []], options: .pretty)
        == "{\n  \"a\": [\n    1,\n    {\n      \"b\": true\n    }\n  ],\n  \"e\": []\n}")
  }
}
