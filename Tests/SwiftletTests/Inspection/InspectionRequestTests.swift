import Testing

@testable import Swiftlet

/// What a client of an inspection asks for, as a plain value.
@Suite struct InspectionRequestTests {
    @Test(arguments: [
        ("", "text"), ("json", "json"), (" metrics \r", "metrics"), ("anything else", "text"),
        ("GET /json", "text"), ("GET / HTTP/1.1 x", "text"), ("JSON", "text"),
    ])
    func `a line asks for a form`(line: String, form: String) {
        let request = InspectionRequest(line)

        #expect(!request.isHTTP)
        #expect(request.form.rawValue == form)
        #expect(request.answer("the answer\n") == "the answer\n")
    }

    @Test(arguments: [
        ("/", "text"), ("/json", "json"), ("/metrics", "metrics"), ("/metrics?x=/y", "metrics"),
        ("http://app", "text"), ("http://app/json", "json"), ("http://app?x", "text"),
    ])
    func `a request of HTTP asks for a form`(target: String, form: String) {
        let request = InspectionRequest("GET \(target) HTTP/1.1")

        #expect(request.isHTTP && request.status == .ok)
        #expect(request.form.rawValue == form)
    }

    @Test(arguments: [
        ("GET /else HTTP/1.1", 404), ("GET  HTTP/1.1", 404), ("GET /json/ HTTP/1.0", 404),
        ("POST / HTTP/1.1", 405), ("get / HTTP/1.1", 405), ("PRI * HTTP/2.0", 505),
    ])
    func `what is not served is refused by its number`(line: String, status: Int) {
        let request = InspectionRequest(line)

        #expect(request.isHTTP)
        #expect(request.status.rawValue == status)
        let answer = request.answer("not for you")
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(!answer.contains("not for you"))
        #expect(answer.contains("Allow: GET, HEAD\r\n") == (status == 405))
    }

    @Test func `an answer says what it is and how long`() {
        let answer = InspectionRequest("GET /metrics HTTP/1.1").answer("ä\n")

        #expect(
            answer == """
                HTTP/1.1 200 OK\r
                Content-Type: text/plain; version=0.0.4; charset=utf-8\r
                Content-Length: 3\r
                Cache-Control: no-store\r
                Connection: close\r
                \r
                ä

                """)
    }

    @Test func `HEAD is answered without the body`() {
        let answer = InspectionRequest("HEAD /json HTTP/1.1").answer("{}\n")

        #expect(answer.contains("Content-Type: application/json\r\n"))
        #expect(
            answer.hasSuffix(
                "Content-Length: 3\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"))
    }
}
