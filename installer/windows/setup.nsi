; Covey for Windows, for one user: no administrator, no question of UAC. `cargo xtask package --target windows` calls
; makensis with VERSION, STAGE (programs and licences) and OUT.
;
; In: STAGE\covey.exe, STAGE\covey-signer.exe, perhaps STAGE\covey-peer.exe, STAGE\LICENSE.txt, STAGE\THIRD-PARTY.txt,
; STAGE\covey.ico. Out: a setup that /S runs silently and /D=FOLDER puts elsewhere, and an uninstaller that asks about
; data (silently: keeps it, unless /DELETEDATA is given) and never deletes a wallet or a key.
Unicode true
; 64 bits, as the programs are.
Target amd64-unicode
ManifestSupportedOS Win10
ManifestDPIAware true
RequestExecutionLevel user
SetCompressor /SOLID lzma
; The stage's files bear the release's time, so that equal parts give equal setups.
SetDateSave on
!include "MUI2.nsh"
!include "FileFunc.nsh"

Name "Covey"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Covey"
InstallDirRegKey HKCU "Software\Covey" "InstallDir"
BrandingText "Covey ${VERSION}"

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Covey"
!define CLASSES "Software\Classes"
!define MUI_ICON "${STAGE}/covey.ico"
!define MUI_UNICON "${STAGE}/covey.ico"
!define MUI_FINISHPAGE_RUN "$INSTDIR\covey.exe"
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${STAGE}/LICENSE.txt"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"
!insertmacro MUI_LANGUAGE "Spanish"
!insertmacro MUI_LANGUAGE "French"

LangString RUNNING ${LANG_ENGLISH} "Covey is running. Quit it from its tray icon, then try again."
LangString RUNNING ${LANG_GERMAN} "Covey läuft. Beenden Sie es über sein Symbol im Infobereich und versuchen Sie es noch einmal."
LangString RUNNING ${LANG_SPANISH} "Covey se está ejecutando. Ciérrelo desde su icono de la bandeja y vuelva a intentarlo."
LangString RUNNING ${LANG_FRENCH} "Covey est en cours d’exécution. Quittez-le depuis son icône, puis réessayez."
LangString DELETE_DATA ${LANG_ENGLISH} "Delete your runs, data sets, settings and downloads as well? Wallets and keys are never deleted."
LangString DELETE_DATA ${LANG_GERMAN} "Auch Ihre Läufe, Datensätze, Einstellungen und Downloads löschen? Wallets und Schlüssel werden nie gelöscht."
LangString DELETE_DATA ${LANG_SPANISH} "¿Eliminar también sus proyectos, datos, ajustes y descargas? Las carteras y claves nunca se eliminan."
LangString DELETE_DATA ${LANG_FRENCH} "Supprimer aussi vos projets, données, réglages et téléchargements ? Les portefeuilles et clés ne sont jamais supprimés."

; A program that runs cannot be opened for writing.
!macro REFUSE_WHILE_RUNNING UN
Function ${UN}RefuseWhileRunning
  IfFileExists "$INSTDIR\covey.exe" 0 free
  ClearErrors
  FileOpen $0 "$INSTDIR\covey.exe" a
  IfErrors 0 close
  MessageBox MB_OK|MB_ICONEXCLAMATION "$(RUNNING)" /SD IDOK
  SetErrorLevel 3
  Quit
close:
  FileClose $0
free:
FunctionEnd
!macroend
!insertmacro REFUSE_WHILE_RUNNING ""
!insertmacro REFUSE_WHILE_RUNNING "un."

Section "Covey"
  Call RefuseWhileRunning
  SetOutPath "$INSTDIR"
  File "${STAGE}/covey.exe"
  File "${STAGE}/covey-signer.exe"
!if /FileExists "${STAGE}/covey-peer.exe"
  File "${STAGE}/covey-peer.exe"
!endif
  File "${STAGE}/LICENSE.txt"
  File "${STAGE}/THIRD-PARTY.txt"
  File "${STAGE}/covey.ico"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\Covey.lnk" "$INSTDIR\covey.exe" "" "$INSTDIR\covey.ico"

  WriteRegStr HKCU "Software\Covey" "InstallDir" "$INSTDIR"
  WriteRegStr HKCU "${CLASSES}\covey" "" "URL:Covey"
  WriteRegStr HKCU "${CLASSES}\covey" "URL Protocol" ""
  WriteRegStr HKCU "${CLASSES}\covey\DefaultIcon" "" "$INSTDIR\covey.ico"
  WriteRegStr HKCU "${CLASSES}\covey\shell\open\command" "" '"$INSTDIR\covey.exe" "%1"'
  WriteRegStr HKCU "${CLASSES}\.covey-run" "" "Covey.Run"
  WriteRegStr HKCU "${CLASSES}\Covey.Run" "" "Covey run"
  WriteRegStr HKCU "${CLASSES}\Covey.Run\DefaultIcon" "" "$INSTDIR\covey.ico"
  WriteRegStr HKCU "${CLASSES}\Covey.Run\shell\open\command" "" '"$INSTDIR\covey.exe" "%1"'

  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Covey"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\covey.ico"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "The Covey authors"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" $0
SectionEnd

Section "Uninstall"
  Call un.RefuseWhileRunning
  DeleteRegKey HKCU "${UNINSTALL}"
  DeleteRegKey HKCU "${CLASSES}\covey"
  DeleteRegKey HKCU "${CLASSES}\Covey.Run"
  ; Another program may have taken the ending over: then it is not ours to delete.
  ReadRegStr $0 HKCU "${CLASSES}\.covey-run" ""
  StrCmp $0 "Covey.Run" 0 +2
  DeleteRegKey HKCU "${CLASSES}\.covey-run"
  DeleteRegKey HKCU "Software\Covey"
  DeleteRegValue HKCU "Software\Microsoft\Windows\CurrentVersion\Run" "Covey"
  Delete "$SMPROGRAMS\Covey.lnk"
  ; By name, never the whole folder: somebody may have chosen one that holds other things.
  Delete "$INSTDIR\covey.exe"
  Delete "$INSTDIR\covey-signer.exe"
  Delete "$INSTDIR\covey-peer.exe"
  Delete "$INSTDIR\LICENSE.txt"
  Delete "$INSTDIR\THIRD-PARTY.txt"
  Delete "$INSTDIR\covey.ico"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"

  IfFileExists "$LOCALAPPDATA\covey\*.*" 0 done
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/DELETEDATA" $1
  IfErrors 0 delete
  MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "$(DELETE_DATA)" /SD IDNO IDNO done
delete:
  Push "$LOCALAPPDATA\covey"
  Call un.ClearData
done:
SectionEnd

; Deletes what lies in the folder on the stack, but for `wallets` at its top, and files whose names end in .vault, .key or
; .capsule; keys of rehearsals are worth nothing and go with their folder.
Function un.ClearData
  Exch $R0
  RMDir /r "$R0\rehearsals"
  Push "$R0"
  Call un.ClearFolder
  Pop $R0
FunctionEnd

Function un.ClearFolder
  Exch $R1
  Push $R2
  Push $R3
  Push $R4
  FindFirst $R2 $R3 "$R1\*"
next:
  StrCmp $R3 "" end
  StrCmp $R3 "." again
  StrCmp $R3 ".." again
  ; Links are deleted and never followed.
  ${GetFileAttributes} "$R1\$R3" "REPARSE_POINT" $R4
  StrCmp $R4 "1" 0 +4
  Delete "$R1\$R3"
  RMDir "$R1\$R3"
  Goto again
  IfFileExists "$R1\$R3\*.*" 0 file
  StrCmp "$R1\$R3" "$LOCALAPPDATA\covey\wallets" again
  Push "$R1\$R3"
  Call un.ClearFolder
  Goto again
file:
  ${GetFileExt} "$R3" $R4
  StrCmp $R4 "vault" again
  StrCmp $R4 "key" again
  StrCmp $R4 "capsule" again
  Delete "$R1\$R3"
again:
  ; A folder that was not empty leaves the flag set.
  ClearErrors
  FindNext $R2 $R3
  IfErrors end next
end:
  FindClose $R2
  RMDir "$R1"
  Pop $R4
  Pop $R3
  Pop $R2
  Pop $R1
FunctionEnd
