import Journaling

// Any bytes either are refused with a sentence or give requests that survive writing and reading again.
//
//   FUZZ=1 swift run --build-path .build-fuzz FuzzJournal -max_len=4096 -runs=1000000

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  _ = try? JournalContents(bytes: input, path: "input")
  // Past the checksum, which no random bytes get right: each piece as a record of its own.
  var bytes = JournalFormat.magic
  for piece in input.split(separator: 0xA5, maxSplits: 8) {
    guard let record = try? JournalRecord(decoding: Array(piece)) else { continue }
    bytes += JournalFormat.frame(record)
  }
  guard let contents = try? JournalContents(bytes: bytes, path: "records") else { return 0 }
  precondition(contents.validBytes == bytes.count && contents.tornBytes == 0)
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

// SwiftPM gives every executable the entry of its main.swift, so libFuzzer's own one is called from here.
var argumentCount = CommandLine.argc
var arguments = unsafe CommandLine.unsafeArgv
let status = unsafe runFuzzer(&argumentCount, &arguments, fuzzOneInput)
precondition(status == 0, "the fuzzer ended with status \(status)")
