import FuzzSupport
import Parsing
import Tokenization

// Any bytes either are refused with a sentence or give a tokenizer that encodes and decodes without trapping, and
// whose streamed text adds up. What follows a zero byte is the text; without one a fixed text is used.
//
//   FUZZ=1 swift run --build-path .build-fuzz FuzzTokenizer -max_len=8192 -runs=1000000 \
//     -dict=Tests/Fuzz/tokenizer.dict

let fixedText = Array("Hello, Wörld!  ½ e\u{301} 漢字 \u{2581}x <s> 1234\n\n\t".utf8)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let end = input.firstIndex(of: 0) ?? input.count
  guard let tokenizer = try? Tokenizer(json: Array(input[..<end])) else { return 0 }
  let text = end < input.count ? Array(input[(end + 1)...]) : fixedText
  let encoded = (try? tokenizer.encode(text, addSpecialTokens: true)) ?? []
  let ids = encoded + [-1, 0, 1, 2, 3, .max]
  var stream = tokenizer.makeStreamingDetokenizer(skipSpecialTokens: false)
  var streamed = ids.reduce("") { $0 + stream.append($1) }
  streamed += stream.flush()
  precondition(Array(streamed.utf8) == Array(tokenizer.decode(ids, skipSpecialTokens: false).utf8))
  return 0
}

unsafe fuzz(fuzzOneInput)
