@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt
) -> CInt

/// Hands one parser to libFuzzer, with the flags of the command line.
///
/// SwiftPM gives every executable the entry of its main.swift, so libFuzzer's own one is called from here.
package func fuzz(_ body: @convention(c) (UnsafePointer<UInt8>, Int) -> CInt) {
  var count = CommandLine.argc
  var arguments = unsafe CommandLine.unsafeArgv
  let status = unsafe runDriver(&count, &arguments, body)
  precondition(status == 0, "the fuzzer ended with status \(status)")
}
