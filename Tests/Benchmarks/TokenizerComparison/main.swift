import Foundation
import Tokenization

// Times loading a tokenizer.json and encoding a text file on one thread: `tokenizer-timing FILE TEXT ROUNDS`.
// Prints one JSON object with the best of all rounds; compare.py runs it beside the reference package.

let arguments = CommandLine.arguments
guard arguments.count == 4, let rounds = Int(arguments[3]), rounds > 0 else {
  print("usage: tokenizer-timing TOKENIZER.JSON TEXT ROUNDS")
  exit(2)
}
let file = [UInt8](try Data(contentsOf: URL(fileURLWithPath: arguments[1])))
let text = [UInt8](try Data(contentsOf: URL(fileURLWithPath: arguments[2])))
let clock = ContinuousClock()
var load = Duration.seconds(1000)
var encode = Duration.seconds(1000)
var decode = Duration.seconds(1000)
var count = 0
for _ in 0..<rounds {
  let start = clock.now
  let tokenizer = try Tokenizer(json: file)
  let loaded = clock.now
  let ids = try tokenizer.encode(text, addSpecialTokens: false)
  let encoded = clock.now
  let decoded = tokenizer.decode(ids, skipSpecialTokens: false)
  let end = clock.now
  count = ids.count
  load = min(load, loaded - start)
  encode = min(encode, encoded - loaded)
  decode = min(decode, end - encoded)
  precondition(!decoded.isEmpty || ids.isEmpty, "nothing decoded")
}
let fields = [("load_s", load), ("encode_s", encode), ("decode_s", decode)]
  .map { "\"\($0.0)\": \($0.1 / .seconds(1))" }
print("{\"tokens\": \(count), \(fields.joined(separator: ", "))}")
