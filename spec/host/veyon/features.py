# SPDX-License-Identifier: MIT
"""The features that a gateway of Veyon 4.9.5 lists: name, UUID, UUID of the one that it belongs to."""
NONE = "00000000-0000-0000-0000-000000000000"

FEATURES = [
    ("ScreenLock", "ccb535a2-1d24-4cc1-a709-8b47d2b2ac79", NONE),
    ("InputDevicesLock", "e4a77879-e544-4fec-bc18-e534f33b934c", NONE),
    ("TextMessage", "e75ae9c8-ac17-4d00-8f0d-019348346208", NONE),
    ("UserLogoff", "7311d43d-ab53-439e-a03a-8cb25f7ed526", NONE),
    ("UserLogin", "7310707d-3918-460d-a949-65bd152cb958", NONE),
    ("Reboot", "4f7d98f0-395a-4fff-b968-e49b8d0f748c", NONE),
    ("PowerDown", "6f5a27a0-0e2f-496e-afcc-7aae62eede10", NONE),
    ("PowerDownNow", "a88039f2-6716-40d8-b4e1-9f5cd48e91ed", NONE),
    ("PowerDownConfirmed", "ea2406be-d5c7-42b8-9f04-53469d3cc34c", NONE),
    ("PowerDownDelayed", "352de795-7fc4-4850-bc57-525bcb7033f5", NONE),
    ("PowerOn", "f483c659-b5e7-4dbc-bd91-2c9403e70ebd", NONE),
    ("StartApp", "da9ca56a-b2ad-4fff-8f8a-929b2927b442", NONE),
    ("OpenWebsite", "8a11a75d-b3db-48b6-b9cb-f8422ddd5b0c", NONE),
    ("DemoServer", "e4b6e743-1f5b-491d-9364-e091086200f4", NONE),
    ("FullScreenDemo", "7b6231bd-eb89-45d3-af32-f70663b2f878", NONE),
    ("WindowDemo", "ae45c3db-dc2e-4204-ae8b-374cdab8c62c", NONE),
    ("Screenshot", "d5ee3aac-2a87-4d05-b827-0c20344490bd", NONE),
]
UIDS = frozenset(uid for _, uid, _ in FEATURES)
