import Testing
import Tokenization

@Test("a tokenizer error reads as its sentence")
func errorDescription() {
  #expect("\(TokenizerError("no tokenizer.json in /models/x"))" == "no tokenizer.json in /models/x")
}
