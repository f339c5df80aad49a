import Swiftlet

/// The text of a small file, such as one of settings.
///
/// - Throws: `Failure` when it is not there, is longer than `limit` bytes, or is not UTF-8.
func textOfFile(_ path: String, limit: Int) async throws -> String {
    let bytes: [UInt8]
    do {
        bytes = try await DiskFile.open(path) { try await $0.read(at: 0, atMost: limit + 1) }
    } catch let error as IOError {
        throw Failure(.noInput, "\(error)")
    }
    guard bytes.count <= limit else {
        throw Failure(.data, "\(path): longer than \(limit) bytes")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw Failure(.data, "\(path): not a text in UTF-8")
    }
    return text
}
