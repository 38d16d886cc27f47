import Checkpoints

// Any bytes either are refused with a sentence or give an index whose tensors tile them.
//
//   FUZZ=1 swift run --build-path .build-fuzz FuzzSafetensors -max_len=4096 -max_total_time=60

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = unsafe Span(_unsafeStart: start, count: count)
  guard let index = try? SafetensorsIndex(bytes, file: "input") else { return 0 }
  var end = index.entries.first?.bytes.lowerBound ?? count
  for entry in index.entries {
    precondition(entry.bytes.lowerBound == end && index[entry.name] == entry)
    end = entry.bytes.upperBound
  }
  precondition(end == count)
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
