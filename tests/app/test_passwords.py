"""Passwords are hashed with argon2id and checked without telling who exists."""

import threading
import unicodedata

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from prelabel.datasets.errors import InvalidValueError
from prelabel.work.names import checked_name, name_key
from prelabel.work.passwords import Passwords

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class CountingHasher(PasswordHasher):
    """Counts how often it verified."""

    verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # argon2's says Literal[True]
        self.verified += 1
        return super().verify(hash, password)


def test_the_usual_hash_is_argon2id_with_the_librarys_parameters() -> None:
    passwords = Passwords()
    kept = passwords.hashed("correct horse")
    parameters = extract_parameters(kept)
    usual = PasswordHasher()
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost) == (usual.memory_cost, usual.time_cost)
    assert passwords.matches(kept, "correct horse")
    assert not passwords.matches(kept, "correct house")
    assert not passwords.outdated(kept)
    assert Passwords(FAST).outdated(kept)


def test_the_same_password_has_another_hash_each_time() -> None:
    passwords = Passwords(FAST)
    assert passwords.hashed("correct horse") != passwords.hashed("correct horse")


@pytest.mark.parametrize("password", ["", "short 9ch", "x" * 1001, "\ud800 lone surrogate"])
def test_unfit_passwords_are_refused_and_match_nothing(password: str) -> None:
    passwords = Passwords(FAST)
    with pytest.raises(InvalidValueError, match="a password has"):
        passwords.hashed(password)
    assert not passwords.matches(passwords.hashed("correct horse"), password)


def test_composed_and_decomposed_letters_are_the_same_keys() -> None:
    passwords = Passwords(FAST)
    kept = passwords.hashed(unicodedata.normalize("NFC", "crème brûlée"))
    assert passwords.matches(kept, unicodedata.normalize("NFD", "crème brûlée"))


def test_a_check_without_a_hash_does_the_same_work() -> None:
    hasher = CountingHasher(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(hasher)
    kept = passwords.hashed("correct horse")
    for given, password in ((kept, "wrong horse!"), (None, "wrong horse!"), (None, "x" * 5000)):
        before = hasher.verified
        assert not passwords.matches(given, password)
        assert hasher.verified == before + 1
    assert not passwords.matches(None, "nobody has this password")
    assert not passwords.matches("not a hash", "correct horse")


def test_many_threads_may_check_at_once() -> None:
    passwords = Passwords(FAST)
    kept = passwords.hashed("correct horse")
    answers: list[bool] = []

    def check(password: str) -> None:
        answers.append(passwords.matches(kept, password))

    threads = [
        threading.Thread(target=check, args=(password,))
        for password in ("correct horse", "wrong horse!") * 8
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * 8 + [True] * 8


@pytest.mark.parametrize("name", ["a", "Ann Ó Briain", "鷺", "x" * 64, "o'neil (night) <2>", "7"])
def test_names_that_are_fit(name: str) -> None:
    assert checked_name(f"  {unicodedata.normalize('NFD', name)} ") == name


@pytest.mark.parametrize(
    "name",
    ["", "  ", "x" * 65, "a\nb", "a\0b", "a\u200bb", "a\u202eb", "a/b", "..", "-", "a\ud800"],
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(InvalidValueError, match="a name has"):
        checked_name(name)


def test_names_that_people_would_confuse_have_one_key() -> None:
    assert len({name_key(name) for name in ("Straße", "STRASSE", " ｓtrasse ", "strasse")}) == 1
    assert name_key("ann") != name_key("anna")
