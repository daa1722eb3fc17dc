"""What is left of names, numbers and addresses for somebody who may not know them."""

from __future__ import annotations

import pytest

from gridgov.model.masking import mask_contacts, mask_name, mask_phone


@pytest.mark.parametrize(
    "number",
    [
        "13812345678", "138 1234 5678", "138-1234-5678", "137.1111.2222", "137/1111/2222", "137,1111,2222",
        "137、1111、2222", "137·1111·2222", "137_1111_2222", "８８８８－７７７７", "137\u200b1111\u200b2222",
        "137 1111  2222", "一三七一一一一二二二二", "幺三七 1111 二二二二", "330102199001011234", "（010）8888 7777",
    ],
)  # fmt: skip
def test_a_number_is_hidden_however_it_is_written(number: str) -> None:
    shown = mask_contacts(f"请打{number}找我")
    assert shown.startswith("请打")
    assert shown.endswith("****找我")
    assert len([sign for sign in shown if sign.isdigit() or sign in "一二三七幺"]) <= 2


@pytest.mark.parametrize("address", ["li.ming@example.org", "张三＠例子.中国", "a+b@x-y.gov.cn"])
def test_a_mail_address_is_hidden(address: str) -> None:
    assert mask_contacts(f"写信到 {address}，谢谢") == "写信到 ****，谢谢"


@pytest.mark.parametrize("text", ["3号楼 120 米", "井盖编号 12-34", "三天前，第二次", "6 月 30 日 10:00"])
def test_small_numbers_stay(text: str) -> None:
    assert mask_contacts(text) == text


def test_names_and_phones_keep_a_hint() -> None:
    assert (mask_name("王小芳"), mask_name("李"), mask_name("")) == ("王**", "李", "")
    assert (mask_phone("138 1234 5678"), mask_phone("110"), mask_phone("")) == ("138****78", "****", "")
    assert mask_phone("13712345678 a@b.com") == "****"
