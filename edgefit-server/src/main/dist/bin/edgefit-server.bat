@echo off
rem Starts edgefit-server. JAVA_HOME chooses the Java, JAVA_OPTS adds options to it.
setlocal
set "JAVA=java"
if defined JAVA_HOME set "JAVA=%JAVA_HOME%\bin\java"
rem The JVM takes one collector, and one that its options name is the user's choice.
set "COLLECTOR=-XX:+UseSerialGC"
echo "%JAVA_OPTS% %JAVA_TOOL_OPTIONS% %JDK_JAVA_OPTIONS%" | findstr /R /C:"-XX:+Use[A-Za-z0-9]*GC" >nul && set "COLLECTOR="
"%JAVA%" %COLLECTOR% --enable-native-access=ALL-UNNAMED -Dfile.encoding=UTF-8 -Dorg.slf4j.simpleLogger.defaultLogLevel=error -Dorg.slf4j.simpleLogger.log.org.edgefit=info -Dorg.slf4j.simpleLogger.showThreadName=false -Dorg.slf4j.simpleLogger.showShortLogName=true %JAVA_OPTS% -cp "%~dp0..\lib\*" org.edgefit.server.cli.ServerMain %*
exit /b %ERRORLEVEL%
