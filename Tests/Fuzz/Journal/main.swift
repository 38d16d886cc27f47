import FuzzSupport
import Journaling
import Wire

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

unsafe fuzz(fuzzOneInput)
