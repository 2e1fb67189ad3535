# SPDX-License-Identifier: MIT
"""The features that a gateway of Veyon 4.9.5 lists: name, UUID, UUID of the one that it belongs to."""
NONE = "00000000-0000-0000-0000-000000000000"
DEMO = "6f4cd922-b63e-40bf-9451-536065c7cdf9"
POWER_DOWN = "6f5a27a0-0e2f-496e-afcc-7aae62eede10"
TRAY_ICON = "8e997d84-ebb9-430f-8f72-d45d9821963d"

FEATURES = [
    ("Demo", DEMO, NONE),
    ("DemoServer", "e4b6e743-1f5b-491d-9364-e091086200f4", DEMO),
    ("FullScreenDemo", "7b6231bd-eb89-45d3-af32-f70663b2f878", NONE),
    ("WindowDemo", "ae45c3db-dc2e-4204-ae8b-374cdab8c62c", NONE),
    ("ShareOwnScreenFullScreen", "07b375e1-8ab6-4b48-bcb7-75fb3d56035b", DEMO),
    ("ShareOwnScreenWindow", "68c55fb9-127e-4c9f-9c90-28b998bf1a47", DEMO),
    ("ShareUserScreenFullScreen", "b4e542e2-1deb-48ac-910a-bbf8ac9a0bde", DEMO),
    ("ShareUserScreenWindow", "ebfc5ec4-f725-4bfc-a93a-c6d4864c6806", DEMO),
    ("StartApp", "da9ca56a-b2ad-4fff-8f8a-929b2927b442", NONE),
    ("OpenWebsite", "8a11a75d-b3db-48b6-b9cb-f8422ddd5b0c", NONE),
    ("FileTransfer", "4a70bd5a-fab2-4a4b-a92a-a1e81d2b75ed", NONE),
    ("PowerOn", "f483c659-b5e7-4dbc-bd91-2c9403e70ebd", NONE),
    ("Reboot", "4f7d98f0-395a-4fff-b968-e49b8d0f748c", NONE),
    ("PowerDown", POWER_DOWN, NONE),
    ("PowerDownNow", "a88039f2-6716-40d8-b4e1-9f5cd48e91ed", POWER_DOWN),
    ("InstallUpdatesAndPowerDown", "09bcb3a1-fc11-4d03-8cf1-efd26be8655b", POWER_DOWN),
    ("PowerDownConfirmed", "ea2406be-d5c7-42b8-9f04-53469d3cc34c", POWER_DOWN),
    ("PowerDownDelayed", "352de795-7fc4-4850-bc57-525bcb7033f5", POWER_DOWN),
    ("RemoteView", "a18e545b-1321-4d4e-ac34-adc421c6e9c8", NONE),
    ("RemoteControl", "ca00ad68-1709-4abe-85e2-48dff6ccf8a2", NONE),
    ("ClipboardExchange", "8fa73e19-3d66-4d59-9783-c2a1bb07e20e", NONE),
    ("ScreenLock", "ccb535a2-1d24-4cc1-a709-8b47d2b2ac79", NONE),
    ("InputDevicesLock", "e4a77879-e544-4fec-bc18-e534f33b934c", NONE),
    ("Screenshot", "d5ee3aac-2a87-4d05-b827-0c20344490bd", NONE),
    ("TextMessage", "e75ae9c8-ac17-4d00-8f0d-019348346208", NONE),
    ("UserLogin", "7310707d-3918-460d-a949-65bd152cb958", NONE),
    ("UserLogoff", "7311d43d-ab53-439e-a03a-8cb25f7ed526", NONE),
    ("SystemTrayIcon", TRAY_ICON, NONE),
    ("MonitoringMode", "edad8259-b4ef-4ca5-90e6-f238d0fda694", NONE),
    ("QueryApplicationVersion", "58f5d5d5-9929-48f4-a995-f221c150ae26", NONE),
    ("QueryActiveFeatures", "a0a96fba-425d-414a-aaf4-352b76d7c4f3", NONE),
    ("UserInfo", "79a5e74d-50bd-4aab-8012-0e70dc08cc72", NONE),
    ("SessionInfo", "699ed9dd-f58b-477b-a0af-df8105571b3c", NONE),
    ("QueryScreens", "d5bbc486-7bc5-4c36-a9a8-1566c8b0091a", NONE),
    ("DesktopAccessDialog", "3dd8ec3e-7004-4936-8f2a-70699b9819be", NONE),
    ("AccessControlProvider", "1815941e-eaef-43ab-b9cd-5403dca3f749", NONE),
]
UIDS = frozenset(uid for _, uid, _ in FEATURES)
