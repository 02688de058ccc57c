"""The signature is Twilio's own."""

from twilio.request_validator import RequestValidator

from bot.simulator.signing import twilio_signature


def test_vector_published_with_twilios_validator() -> None:
    params = [("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675309"), ("Digits", "1234"),
              ("From", "+14158675309"), ("To", "+18005551212")]
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio_signature("12345", url, params) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_fragment_is_not_signed_and_repeated_names_are() -> None:
    params = [("A", "2"), ("A", "1"), ("A", "2"), ("Body", "")]
    signature = twilio_signature("secret", "http://127.0.0.1:8000/x?y=1#rc=3", params)
    once = twilio_signature("secret", "http://127.0.0.1:8000/x?y=1", [("A", "1"), ("A", "2"), ("Body", "")])
    assert signature == once


def test_twilios_validator_accepts_an_empty_body() -> None:
    url, params = "http://127.0.0.1:8000/x?y=1", {"Body": "", "From": "whatsapp:+2250700000001"}
    signature = twilio_signature("secret", url + "#rc=3", list(params.items()))
    assert RequestValidator("secret").validate(url, params, signature)
